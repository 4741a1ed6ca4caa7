"""Which TensorFlow first had an operation: what an older TensorFlow Serving does not know.

The tables hold what is in TensorFlow 2.21 and not in an earlier one, from the registries of operations
(``TF_GetAllOpList``) of the releases 2.16.2, 2.17.1, 2.18.1, 2.19.1, 2.20.0 and 2.21.0, without those
of TensorFlow's own tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tensorflow.core.framework import node_def_pb2, types_pb2

from tfdeconv.errors import InvalidArgumentError

OLDEST, NEWEST = (2, 16), (2, 21)
"""The releases that the tables cover."""


def _names(text: str) -> list[str]:
    return text.split()


OPERATIONS: dict[str, tuple[int, int]] = {
    **dict.fromkeys(
        _names(
            """
        CalibrationStatisticsSaver ComputeDedupDataSizeV2 ComputeDedupDataTupleMaskV2
        ConvertToListOfSparseCoreCooTensors ConvertToSparseCoreCsrWrappedCooTensor FinalizeTPUEmbeddingV2
        GetStatsFromListOfSparseCoreCooTensors GetTpuTaskId GlobalShuffleDataset IndexFlatMapDataset
        IteratorGetModelProto SortListOfSparseCoreCooTensors UpdateTaskIdAndGlobalCoreArray
        WeightedFlatMapDataset XlaRecvTPUEmbeddingActivationsV2 XlaRecvTPUEmbeddingDeduplicationDataV2
        XlaSendTPUEmbeddingGradientsV2 XlaSparseDenseMatmulGradWithAdagradAndStaticBufferSize
        XlaSparseDenseMatmulGradWithAdagradMomentumAndStaticBufferSize
        XlaSparseDenseMatmulGradWithAdamAndStaticBufferSize
        XlaSparseDenseMatmulGradWithFtrlAndStaticBufferSize
        XlaSparseDenseMatmulGradWithSgdAndStaticBufferSize XlaSparseDenseMatmulWithStaticBufferSize
        _MklNativeSparseMatrixMatMul _QuantizedMatMul
        """
        ),
        (2, 17),
    ),
    **dict.fromkeys(["CheckPinned", "XlaSparseDenseMatmulGradWithCsrInput"], (2, 18)),
    **dict.fromkeys(
        _names(
            """
        DecodeWebP TPUDummyInput XlaSparseActivationsUnstack
        XlaSparseDenseMatmulCustomCombinerOnTcGradWithAdagradAndCsrInput
        XlaSparseDenseMatmulCustomCombinerOnTcGradWithAdagradMomentumAndCsrInput
        XlaSparseDenseMatmulCustomCombinerOnTcGradWithAdamAndCsrInput
        XlaSparseDenseMatmulCustomCombinerOnTcGradWithCsrInput
        XlaSparseDenseMatmulCustomCombinerOnTcGradWithFtrlAndCsrInput
        XlaSparseDenseMatmulCustomCombinerOnTcGradWithSgdAndCsrInput
        XlaSparseDenseMatmulCustomCombinerOnTcWithCsrInput XlaSparseGradientsStack
        """
        ),
        (2, 20),
    ),
    **dict.fromkeys(["AudioMicrofrontend", "DecodeJxl", "_CopyFromGpuToHost", "_CopyFromHostToGpu"], (2, 21)),
}
"""Operation -> the first release that has it."""

_SCATTERS = (
    "ScatterNd ScatterNdAdd ScatterNdMax ScatterNdMin ScatterNdNonAliasingAdd ScatterNdSub ScatterNdUpdate"
)
_ATTRIBUTES: dict[tuple[str, str], tuple[tuple[int, int], object]] = {
    ("GatherNd", "bad_indices_policy"): ((2, 17), b""),
    ("BatchFunction", "mixed_priority_policy"): ((2, 17), b"low_priority_padding_with_max_batch_size"),
    ("BatchFunction", "batch_padding_policy"): ((2, 18), b"PAD_UP"),
    ("MapDataset", "force_synchronous"): ((2, 18), False),
    ("ParallelMapDatasetV2", "use_unbounded_threadpool"): ((2, 18), False),
    **{(name, "bad_indices_policy"): ((2, 18), b"") for name in _SCATTERS.split()},
    **{(f"Resource{name}", "bad_indices_policy"): ((2, 18), b"") for name in _SCATTERS.split()},
    **{
        (f"TensorScatter{name}", "bad_indices_policy"): ((2, 18), b"")
        for name in ("Add", "Max", "Min", "Sub", "Update")
    },
    ("XlaCallModule", "use_shardy_partitioner"): ((2, 20), False),
    ("TensorListGetItem", "Tshape"): ((2, 21), types_pb2.DT_INT32),
}
"""(operation, attribute) -> the first release that has it, and its default, which any release takes."""

_TYPES: dict[tuple[str, str], tuple[tuple[int, int], frozenset[int]]] = {
    ("StringToNumber", "out_type"): ((2, 17), frozenset({types_pb2.DT_UINT32, types_pb2.DT_UINT64})),
    ("Range", "Tidx"): ((2, 20), frozenset({types_pb2.DT_UINT64})),
    ("UniformDequantize", "Tin"): ((2, 20), frozenset({types_pb2.DT_QUINT8})),
    ("UniformQuantize", "Tout"): ((2, 20), frozenset({types_pb2.DT_QUINT8})),
}
"""(operation, attribute) -> the first release that takes these types there."""


def release(text: str) -> tuple[int, int]:
    """Return the release that ``text`` names, such as "2.19" or "2.19.1".

    Raises:
        InvalidArgumentError: It names none that the tables cover.

    Example:
        >>> release("2.19.1")
        (2, 19)
    """
    match = re.fullmatch(r"(\d+)\.(\d+)(\.\d+)?", text)
    found = (int(match[1]), int(match[2])) if match else None
    if found is None or not OLDEST <= found <= NEWEST:
        known = ", ".join(f"2.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1))
        raise InvalidArgumentError(
            f"the TensorFlow Serving release must be one of {known}; received {text!r}."
        )
    return found


def unknown_to(version: tuple[int, int], nodes: Iterable[node_def_pb2.NodeDef]) -> dict[str, str]:
    """Return the operations that TensorFlow Serving of ``version`` does not run, and why.

    Example:
        >>> node = node_def_pb2.NodeDef(name="picture", op="DecodeWebP")
        >>> unknown_to((2, 19), [node])
        {'DecodeWebP': 'since TensorFlow 2.20'}
    """
    found: dict[str, str] = {}
    for node in nodes:
        since = OPERATIONS.get(node.op, OLDEST)
        if since > version:
            found[node.op] = f"since TensorFlow {_text(since)}"
        for name, value in node.attr.items():
            added, default = _ATTRIBUTES.get((node.op, name), (OLDEST, None))
            if added > version and getattr(value, value.WhichOneof("value") or "b") != default:
                found.setdefault(node.op, f"its attribute {name} is there since TensorFlow {_text(added)}")
            typed, types = _TYPES.get((node.op, name), (OLDEST, frozenset()))
            if typed > version and value.type in types:
                found.setdefault(node.op, f"{name} takes this type since TensorFlow {_text(typed)}")
    return dict(sorted(found.items()))


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
