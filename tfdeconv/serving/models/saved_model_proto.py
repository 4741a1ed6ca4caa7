"""A SavedModel folder's description: read, and chosen by tags, before any graph is built."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from tfdeconv.errors import NotFoundError, ServingError
from tfdeconv.serving.codec import tensor_proto

DEFAULT_SIGNATURE = "serving_default"
INIT_SIGNATURE = "__saved_model_init_op"


@dataclasses.dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output of a signature.

    Attributes:
        tensor_name: Name in the graph, such as ``serving_default_x:0``.
        dtype: ``tensorflow.DataType`` enum value.
        shape: Sizes with -1 where any fits, or None for any rank.
    """

    tensor_name: str
    dtype: int
    shape: tuple[int, ...] | None


@dataclasses.dataclass(frozen=True, slots=True)
class Signature:
    """A named function of a SavedModel.

    Attributes:
        name: Its key in the SavedModel.
        method_name: What the exporter declared, such as ``tensorflow/serving/predict``.
        inputs: Input alias to tensor, sorted by alias.
        outputs: Output alias to tensor, sorted by alias.
        defaults: Values of inputs that a request may leave out.
    """

    name: str
    method_name: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    defaults: Mapping[str, np.ndarray[Any, Any]]

    @classmethod
    def from_message(cls, name: str, message: meta_graph_pb2.SignatureDef) -> Signature:
        """Return the signature of its protocol buffer message."""
        return cls(
            name=name,
            method_name=message.method_name,
            inputs={alias: _tensor_spec(info) for alias, info in sorted(message.inputs.items())},
            outputs={alias: _tensor_spec(info) for alias, info in sorted(message.outputs.items())},
            defaults={
                alias: tensor_proto.from_message(value) for alias, value in sorted(message.defaults.items())
            },
        )

    def input_types(self) -> dict[str, int]:
        """Return input alias to ``DataType`` enum value."""
        return {alias: spec.dtype for alias, spec in self.inputs.items()}


def _tensor_spec(info: meta_graph_pb2.TensorInfo) -> TensorSpec:
    shape = None if info.tensor_shape.unknown_rank else tuple(dim.size for dim in info.tensor_shape.dim)
    return TensorSpec(info.name, info.dtype, shape)


def read_meta_graph(path: Path, tags: Sequence[str]) -> meta_graph_pb2.MetaGraphDef:
    """Return the graph of a SavedModel that has exactly the given tags.

    Args:
        path: The folder that holds ``saved_model.pb`` (or ``saved_model.pbtxt``).
        tags: For serving, ``["serve"]``.

    Raises:
        NotFoundError: There is no SavedModel, or none of its graphs has the tags.
        ServingError: The file cannot be read as a SavedModel.
    """
    saved_model = _read(path)
    for meta_graph in saved_model.meta_graphs:
        if set(meta_graph.meta_info_def.tags) == set(tags):
            return meta_graph
    raise NotFoundError(
        f"Could not find meta graph def matching supplied tags: {{ {' '.join(tags)} }}. To inspect available "
        "tag-sets in the SavedModel, please use the SavedModel CLI: `saved_model_cli`"
    )


def _read(path: Path) -> saved_model_pb2.SavedModel:
    binary, text = path / "saved_model.pb", path / "saved_model.pbtxt"
    try:
        if binary.is_file():
            return saved_model_pb2.SavedModel.FromString(binary.read_bytes())
        if text.is_file():
            return text_format.Parse(text.read_text(encoding="utf-8"), saved_model_pb2.SavedModel())
    except Exception as error:  # protobuf's DecodeError and ParseError, OSError
        raise ServingError(f"Cannot read the SavedModel in {path}: {error}") from None
    raise NotFoundError(
        f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {path}. Check that the "
        "directory exists and that you have the right permissions for accessing it."
    )
