"""What a SavedModel holds, and which of its operations a device has kernels for.

TensorFlow's kernel registry lists the GPU kernels of a build that has them on every machine, with or
without a GPU.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import graph_pb2, node_def_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow.python.framework import kernels, op_def_registry  # the registries have no public name

from tfdeconv.serving.models import operations_since, saved_model_proto
from tfdeconv.serving.models.saved_model_proto import Signature

# Calls of functions: their bodies are looked into, the calls themselves run anywhere.
_CALLS = {"PartitionedCall", "StatefulPartitionedCall", "SymbolicGradient", "RemoteCall"}
_ANY_DEVICE = {"CPU": {"CPU", "DEFAULT"}, "GPU": {"GPU", "DEFAULT"}}


@dataclasses.dataclass(frozen=True, slots=True)
class SignatureReport:
    """A signature, what it runs, and what a device lacks.

    Attributes:
        signature: Names, dtypes and shapes.
        operations: Operation to how often it occurs on the way from the inputs to the outputs.
        missing: Those for which the device has no kernel, with the dtypes that were looked for.
        dtypes: Types of the tensors on the way, most frequent first.
        unknown: Those that an older TensorFlow Serving does not run, and why; empty where none was asked for.
    """

    signature: Signature
    operations: Mapping[str, int]
    missing: Mapping[str, str]
    dtypes: Sequence[str]
    unknown: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """A SavedModel.

    Attributes:
        signatures: One entry for each signature.
        parameters: Number of values in the variables.
        parameter_bytes: Their size.
        tensorflow_version: The version that wrote it.
    """

    signatures: Sequence[SignatureReport]
    parameters: int
    parameter_bytes: int
    tensorflow_version: str


def inspect(
    path: Path,
    *,
    device: str = "CPU",
    tags: Sequence[str] = ("serve",),
    for_serving: tuple[int, int] | None = None,
) -> Report:
    """Return what a SavedModel holds.

    Args:
        path: The version folder.
        device: ``"CPU"`` or ``"GPU"``. Defaults to ``"CPU"``.
        tags: Tags of the graph. Defaults to ``("serve",)``.
        for_serving: The release of a TensorFlow Serving to look up the operations for, as
            :func:`.operations_since.release` returns it.

    Raises:
        ServingError: It is not a SavedModel, or has no graph with the tags.
    """
    meta_graph = saved_model_proto.read_meta_graph(path, tags)
    signatures = [
        _report(Signature.from_message(name, message), meta_graph, device, for_serving)
        for name, message in sorted(meta_graph.signature_def.items())
        if name != saved_model_proto.INIT_SIGNATURE
    ]
    count, size = _parameters(path)
    return Report(signatures, count, size, meta_graph.meta_info_def.tensorflow_version)


def _report(
    signature: Signature,
    meta_graph: meta_graph_pb2.MetaGraphDef,
    device: str,
    for_serving: tuple[int, int] | None,
) -> SignatureReport:
    operations: Counter[str] = Counter()
    dtypes: Counter[str] = Counter()
    missing: dict[str, str] = {}
    nodes = list(_nodes(signature, meta_graph.graph_def))
    for node in nodes:
        operations[node.op] += 1
        for key in ("T", "dtype"):
            if node.attr[key].type:
                dtypes[tf.dtypes.as_dtype(node.attr[key].type).name] += 1
        if node.op not in _CALLS and not _has_kernel(node, device):
            missing[node.op] = _types(node)
    by_frequency = sorted(dtypes, key=lambda name: (-dtypes[name], name))
    unknown = {} if for_serving is None else operations_since.unknown_to(for_serving, nodes)
    if for_serving is not None:
        functions = {function.signature.name for function in meta_graph.graph_def.library.function}
        foreign = (name for name in operations if op_def_registry.get(name) is None and name not in functions)
        unknown.update(dict.fromkeys(foreign, "no operation of TensorFlow"))
    return SignatureReport(signature, dict(sorted(operations.items())), missing, by_frequency, unknown)


def _nodes(signature: Signature, graph: graph_pb2.GraphDef) -> Iterator[node_def_pb2.NodeDef]:
    """Yield the nodes that the outputs need, and those of all functions that they call."""
    by_name = {node.name: node for node in graph.node}
    functions = {function.signature.name: function for function in graph.library.function}
    waiting = [spec.tensor_name for spec in signature.outputs.values()]
    seen: set[str] = set()
    called: set[str] = set()
    pending: list[str] = []
    while waiting:
        name = waiting.pop().lstrip("^").partition(":")[0]
        if name in seen or name not in by_name:
            continue
        seen.add(name)
        node = by_name[name]
        yield node
        waiting.extend(node.input)
        pending.extend(_functions(node))
    while pending:
        name = pending.pop()
        if name in called or name not in functions:
            continue
        called.add(name)
        for node in functions[name].node_def:
            yield node
            pending.extend(_functions(node))


def _functions(node: node_def_pb2.NodeDef) -> Iterable[str]:
    yield node.op  # a node may call a function by its name
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        yield from (function.name for function in value.list.func)


def _has_kernel(node: node_def_pb2.NodeDef, device: str) -> bool:
    registered = kernels.get_registered_kernels_for_op(node.op).kernel
    if not registered:
        return True  # a call of a function by name
    return any(
        kernel.device_type in _ANY_DEVICE[device]
        and all(
            node.attr[constraint.name].type in constraint.allowed_values.list.type
            for constraint in kernel.constraint
            if constraint.allowed_values.list.type and node.attr[constraint.name].type
        )
        for kernel in registered
    )


def _types(node: node_def_pb2.NodeDef) -> str:
    found = {tf.dtypes.as_dtype(value.type).name for value in node.attr.values() if value.HasField("type")}
    return ", ".join(sorted(found))


def _parameters(path: Path) -> tuple[int, int]:
    prefix = path / "variables" / "variables"
    if not prefix.with_name("variables.index").is_file():
        return 0, 0
    reader = tf.train.load_checkpoint(str(prefix))
    dtypes = reader.get_variable_to_dtype_map()
    count = size = 0
    for name, shape in reader.get_variable_to_shape_map().items():
        if name.startswith("_CHECKPOINTABLE_OBJECT_GRAPH"):
            continue
        values = int(np.prod(shape))
        count += values
        size += values * dtypes[name].size
    return count, size
