"""How large a graph's outputs will be for inputs of given shapes, told before anything is computed."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2, rewriter_config_pb2
from tensorflow.python.grappler import tf_optimizer

_SHAPES_KEPT = 64
_Key = tuple[tuple[str, tuple[int, ...]], ...]


class OutputShapes:
    """Shape inference over a loaded graph, with the bodies of its functions.

    Args:
        graph: The graph.
    """

    def __init__(self, graph: tf.Graph) -> None:
        self._graph = graph
        self._inlined = functools.lru_cache(_SHAPES_KEPT)(self._inline)
        self._found = functools.lru_cache(_SHAPES_KEPT)(self._infer)

    def least_bytes(self, feeds: Mapping[str, np.ndarray[Any, Any]], fetches: Sequence[str]) -> int:
        """Return what the outputs take at least; those whose size depends on values, and strings, count 0."""
        key = tuple(sorted((name, value.shape) for name, value in feeds.items()))
        try:
            return self._found(key, tuple(sorted(set(fetches))))
        except (ValueError, tf.errors.OpError):  # the run itself says what is wrong
            return 0

    def _inline(self, fetches: tuple[str, ...]) -> Any:
        """The nodes that the outputs need, with calls of functions replaced by their bodies."""
        nodes = [name.partition(":")[0] for name in fetches]
        meta_graph = meta_graph_pb2.MetaGraphDef(graph_def=self._graph.as_graph_def())
        meta_graph.collection_def["train_op"].node_list.value.extend(nodes)
        config = config_pb2.ConfigProto()
        rewrite = config.graph_options.rewrite_options
        rewrite.min_graph_nodes = -1
        rewrite.meta_optimizer_iterations = rewriter_config_pb2.RewriterConfig.ONE
        rewrite.optimizers.append("function")
        inlined = tf_optimizer.OptimizeGraph(config, meta_graph)
        return tf.compat.v1.graph_util.extract_sub_graph(inlined, nodes)

    def _infer(self, shapes: _Key, fetches: tuple[str, ...]) -> int:
        nodes = self._inlined(fetches)
        present = {node.name for node in nodes.node}
        with tf.Graph().as_default():
            inputs = {
                name: tf.compat.v1.placeholder(self._graph.get_tensor_by_name(name).dtype, shape)
                for name, shape in shapes
                if name.partition(":")[0] in present
            }
            outputs = tf.graph_util.import_graph_def(
                nodes, input_map=inputs, return_elements=fetches, name=""
            )
        return sum(
            output.shape.num_elements() * output.dtype.size
            for output in outputs
            if output.shape.is_fully_defined() and output.dtype != tf.string
        )
