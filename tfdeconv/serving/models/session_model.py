"""A SavedModel in a TensorFlow session, run as the C++ server runs it.

Feeds go to the graph as they come: no check of a shape against the signature, the op decides. One
exception protects the process: a wrong rank fed to a convolution and some other ops aborts it (TensorFlow
2.21), so where a graph holds such ops the rank is checked. A scalar input takes a list of scalars there,
as REST's row form makes of it: that adds no axis to what a convolution gets.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2

from tfdeconv.errors import FailedPreconditionError, InvalidRequestError, ServingError
from tfdeconv.serving.models import saved_model_proto, session_values
from tfdeconv.serving.models.output_shapes import OutputShapes
from tfdeconv.serving.models.saved_model_proto import Signature
from tfdeconv.wire import status_codes

Array = np.ndarray[Any, Any]
_CALLERS_THREAD = -1
_MAX_CALLABLES = 64
_ASSETS = "saved_model_assets"
_VARIABLES = {"VarHandleOp", "Variable", "VariableV2"}
_FUNCTION_NODE = re.compile(r"\{\{function_node [^}]*\}\} ?")
_NODES = re.compile(r"\n\t \[\[.*", re.DOTALL)
# Ops with kernels that abort the process on an input of another rank. Found by feeding ranks 0 to 8 to some
# ninety ops: convolutions and what is fused into them, their gradients, MaxPool3D, block LSTMs, FakeQuant.
_RANK_CRITICAL = (
    *("Conv", "DepthwiseConv", "MaxPool", "AvgPool", "LRN", "FusedBatchNorm", "_FusedConv"),
    *("LSTMBlock", "BlockLSTM", "GRUBlock", "FakeQuant", "Quantize"),
)


class SessionModel:
    """A loaded version of a model.

    Args:
        path: The SavedModel's folder.
        tags: Tags of the graph to load. Defaults to ``("serve",)``.
        config: Session configuration (threads, GPU memory, XLA). Defaults to TensorFlow's. With
            ``inter_op_parallelism_threads``, operations of one request run at the same time.
        max_image_pixels: Largest encoded image that a string input may hold, by its header. Defaults
            to no limit.

    Attributes:
        signature_defs: Signature name to its message, as exported.
        signatures: The same, prepared for requests.

    Raises:
        ServingError: Not a SavedModel, no graph with the tags, or variables that cannot be restored.
    """

    def __init__(
        self,
        path: Path,
        *,
        tags: Sequence[str] = ("serve",),
        config: config_pb2.ConfigProto | None = None,
        max_image_pixels: int | None = None,
    ) -> None:
        self._max_image_pixels = max_image_pixels
        parallel = config is not None and config.inter_op_parallelism_threads > 0
        self._thread_pool = 0 if parallel else _CALLERS_THREAD
        meta_graph = saved_model_proto.read_meta_graph(path, tags)
        self.signature_defs = dict(sorted(meta_graph.signature_def.items()))
        self.signatures = {
            name: Signature.from_message(name, message) for name, message in self.signature_defs.items()
        }
        self._checked_ranks = _checked_ranks(meta_graph, self.signatures)
        self._types = {
            spec.tensor_name: spec.dtype
            for signature in self.signatures.values()
            for spec in signature.inputs.values()
        }
        self._callables: dict[tuple[tuple[str, ...], tuple[str, ...]], Callable[..., list[Any]]] = {}
        self._lock = threading.Lock()
        self.graph = tf.Graph()
        self._output_shapes = OutputShapes(self.graph)
        self._session = tf.compat.v1.Session(graph=self.graph, config=_without_spinning(config))
        try:
            with self.graph.as_default():
                tf.graph_util.import_graph_def(
                    meta_graph.graph_def,
                    name="",
                    producer_op_list=meta_graph.meta_info_def.stripped_op_list,
                )
            self._restore(path, meta_graph)
        except (tf.errors.OpError, ValueError) as error:
            self._session.close()
            raise _domain_error(error) from None

    def _restore(self, path: Path, meta_graph: meta_graph_pb2.MetaGraphDef) -> None:
        """Restore the variables, then run the initialiser, as the C++ loader does."""
        assets = {
            asset.tensor_info.name: str(path / "assets" / asset.filename) for asset in _assets(meta_graph)
        }
        saver = meta_graph.saver_def
        _check_whole(path, meta_graph, list(assets.values()))
        if saver.restore_op_name and (path / "variables").is_dir():
            variables = str(path / "variables" / "variables")
            self._run_op(saver.restore_op_name, {saver.filename_tensor_name: variables, **assets})
        init_op = _init_op(meta_graph)
        if init_op:
            self._run_op(init_op, assets)

    def _run_op(self, name: str, feeds: Mapping[str, str]) -> None:
        options = config_pb2.CallableOptions(feed=feeds, target=[name])
        values = [np.array(value.encode(), object) for value in feeds.values()]
        self._session._make_callable_from_options(options)(*values)

    def run(self, feeds: Mapping[str, Array], fetches: Sequence[str]) -> list[Array]:
        """Return the values of graph tensors.

        Args:
            feeds: Graph tensor name to value.
            fetches: Graph tensor names; repetitions are allowed.

        Raises:
            InvalidRequestError: A value has another dtype than the signature says, or a rank that would
                end the process.
            ServingError: What the graph raised, by its code.
        """
        names = tuple(sorted(feeds))
        values = [feeds[name] for name in names]
        self.check_feeds(feeds)
        unique = tuple(sorted(set(fetches)))
        try:
            results = self._callable(names, unique)(*values)
        except tf.errors.OpError as error:
            raise _domain_error(error) from None
        by_name = {name: session_values.as_array(value) for name, value in zip(unique, results, strict=True)}
        return [by_name[name] for name in fetches]

    def least_answer_bytes(self, feeds: Mapping[str, Array], fetches: Sequence[str]) -> int:
        """Return what the values of ``run`` take at least; nothing is computed."""
        return self._output_shapes.least_bytes(feeds, fetches)

    def check_feeds(self, feeds: Mapping[str, Array]) -> None:
        """Check dtypes, and ranks where they matter; see ``run``."""
        for index, (name, value) in enumerate(sorted(feeds.items())):
            self._check_feed(index, name, value)

    def _check_feed(self, index: int, name: str, value: Array) -> None:
        session_values.check_dtype(index, value, self._types.get(name), self._max_image_pixels)
        shape = self._checked_ranks.get(name)
        if shape is not None:
            session_values.check_rank(name, value, shape)

    def _callable(self, feeds: tuple[str, ...], fetches: tuple[str, ...]) -> Callable[..., list[Any]]:
        key = feeds, fetches
        found = self._callables.get(key)
        if found is None:
            options = config_pb2.CallableOptions(feed=feeds, fetch=fetches)
            # The request's own thread runs the graph's operations one after the other (each still uses
            # all cores): other requests fill the gaps, and no thread has to be woken.
            options.run_options.inter_op_thread_pool = self._thread_pool
            with self._lock:
                if len(self._callables) >= _MAX_CALLABLES:  # output filters come from requests
                    del self._callables[next(iter(self._callables))]
                # The public make_callable spends 50 microseconds a call in Python; this one 7.
                found = self._callables.setdefault(key, self._session._make_callable_from_options(options))
        return found

    def close(self) -> None:
        """Release the session and its variables; no request may be running."""
        self._callables.clear()
        self._session.close()


def _without_spinning(config: config_pb2.ConfigProto | None) -> config_pb2.ConfigProto:
    """Let TensorFlow's idle threads sleep at once.

    They would spin for a while in case of more work, and take the cores from the threads that decode
    the next request: a third of the CPU time of small requests on two cores.
    """
    changed = config_pb2.ConfigProto()
    if config is not None:
        changed.CopyFrom(config)
    changed.experimental.disable_thread_spinning = True
    return changed


def _assets(meta_graph: meta_graph_pb2.MetaGraphDef) -> list[meta_graph_pb2.AssetFileDef]:
    """TensorFlow 2 lists the assets in a field of their own, TensorFlow 1 in a collection."""
    if meta_graph.asset_file_def or _ASSETS not in meta_graph.collection_def:
        return list(meta_graph.asset_file_def)
    assets = []
    for packed in meta_graph.collection_def[_ASSETS].any_list.value:
        asset = meta_graph_pb2.AssetFileDef()
        packed.Unpack(asset)
        assets.append(asset)
    return assets


def _check_whole(path: Path, meta_graph: meta_graph_pb2.MetaGraphDef, assets: Sequence[str]) -> None:
    """Refuse a folder that is being copied: without its variables every request would fail.

    The C++ loader takes such a folder; so would an older version that serves be given up for it.

    Raises:
        FailedPreconditionError: Names what is missing.
    """
    variables = [node.name for node in meta_graph.graph_def.node if node.op in _VARIABLES]
    index = path / "variables" / "variables.index"
    if meta_graph.saver_def.restore_op_name and variables and not index.is_file():
        raise FailedPreconditionError(
            f"The SavedModel is not whole: its graph has {len(variables)} variables, but "
            f"{index.parent.name}/{index.name} is not there. It is loaded once the file has arrived."
        )
    for asset in assets:
        if not Path(asset).is_file():
            raise FailedPreconditionError(
                f"The SavedModel is not whole: assets/{Path(asset).name} is not there. It is loaded once the "
                "file has arrived."
            )


def _init_op(meta_graph: meta_graph_pb2.MetaGraphDef) -> str:
    init = meta_graph.signature_def.get(saved_model_proto.INIT_SIGNATURE)
    if init is not None and saved_model_proto.INIT_SIGNATURE in init.outputs:
        return init.outputs[saved_model_proto.INIT_SIGNATURE].name
    for collection in ("saved_model_main_op", "legacy_init_op"):
        if collection in meta_graph.collection_def:
            names = meta_graph.collection_def[collection].node_list.value
            if names:
                return names[0]
    return ""


def _checked_ranks(
    meta_graph: meta_graph_pb2.MetaGraphDef, signatures: Mapping[str, Signature]
) -> dict[str, tuple[int, ...]]:
    """Return the shapes of those inputs whose rank is checked."""
    functions = meta_graph.graph_def.library.function
    ops = {node.op for node in meta_graph.graph_def.node}
    ops.update(node.op for function in functions for node in function.node_def)
    if not any(op.startswith(_RANK_CRITICAL) for op in ops):
        return {}
    return {
        spec.tensor_name: spec.shape
        for signature in signatures.values()
        for spec in signature.inputs.values()
        if spec.shape is not None
    }


def _without_graph(message: str) -> str:
    """Return what an op says, without the names of the functions and nodes around it."""
    return _NODES.sub("", _FUNCTION_NODE.sub("", message))


def _domain_error(error: tf.errors.OpError | ValueError) -> ServingError:
    if isinstance(error, tf.errors.OpError):
        return status_codes.error_of(error.error_code, _without_graph(error.message))
    return InvalidRequestError(str(error))
