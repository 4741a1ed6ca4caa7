"""Groups computed apart: the portable form, since grouped kernels of TensorFlow need oneDNN or a GPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import tensorflow as tf

from tfdeconv.ops.lowerings.lowering import Problem

Prepare = Callable[[tf.Tensor, Problem], tf.Tensor]
Run = Callable[[tf.Tensor, tf.Tensor, Problem], tf.Tensor]


def each_group(prepare: Prepare, run: Run) -> tuple[Prepare, Run]:
    """Return forms of ``prepare`` and ``run``, written for one group, that take any number of groups.

    The prepared kernels of several groups are stacked along a new first axis.
    """

    def prepare_groups(kernel: tf.Tensor, problem: Problem) -> tf.Tensor:
        if problem.groups == 1:
            return prepare(kernel, problem)
        one = _one_group(problem)
        return tf.stack([prepare(part, one) for part in tf.split(kernel, problem.groups, axis=-1)])

    def run_groups(x: tf.Tensor, prepared: tf.Tensor, problem: Problem) -> tf.Tensor:
        if problem.groups == 1:
            return run(x, prepared, problem)
        one = _one_group(problem)
        pairs = zip(tf.split(x, problem.groups, axis=-1), tf.unstack(prepared, problem.groups), strict=True)
        return tf.concat([run(part, weights, one) for part, weights in pairs], axis=-1)

    return prepare_groups, run_groups


def _one_group(problem: Problem) -> Problem:
    groups = problem.groups
    return replace(problem, channels=problem.channels // groups, filters=problem.filters // groups, groups=1)
