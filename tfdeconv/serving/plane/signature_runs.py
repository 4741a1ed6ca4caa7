"""Requests on one loaded version: from named arrays to graph tensors, a run, and back.

Every check and its message is TensorFlow Serving's. Nothing here knows where the version came from, so
that warm-up requests run the same way before a version is published.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfdeconv.errors import FailedPreconditionError, InvalidRequestError, ResourceExhaustedError
from tfdeconv.serving import cancellation
from tfdeconv.serving.model_spec import ModelSpec
from tfdeconv.serving.models.saved_model_proto import DEFAULT_SIGNATURE, Signature
from tfdeconv.serving.plane import example_signatures
from tfdeconv.serving.plane.example_signatures import Classification, Regression, Task
from tfdeconv.serving.repository.servable import Servable
from tfdeconv.serving.telemetry import Telemetry

Array = np.ndarray[Any, Any]
_LARGEST_GAIN = 4096
"""Bytes of an answer for each byte of its request, beyond which values and not shapes decide its size."""


def predict(
    servable: Servable,
    signature_name: str,
    inputs: Mapping[str, Array],
    output_filter: Sequence[str] = (),
    *,
    check_method: bool = False,
    max_answer_bytes: int | None = None,
    telemetry: Telemetry | None = None,
) -> tuple[ModelSpec, dict[str, Array]]:
    """Run a signature.

    Args:
        servable: The loaded version.
        signature_name: Empty for ``serving_default``.
        inputs: Input alias to array. Looked up once each, after the names are checked.
        output_filter: Wanted output aliases in order. Defaults to all.
        check_method: Whether the signature must declare a known method. Defaults to False.
        max_answer_bytes: Most bytes of the outputs; what the shapes tell to be more is not computed.
            Defaults to no limit.
        telemetry: Takes the run's time. Defaults to none.

    Returns:
        The resolved spec, and output alias to array.

    Raises:
        ServingError: By its class.
    """
    name = signature_name or DEFAULT_SIGNATURE
    signature = servable.signature(name)
    if signature is None:
        raise FailedPreconditionError(f'Serving signature key "{name}" not found.')
    if check_method:
        example_signatures.check_prediction_method(signature)
    feeds = _feeds(signature, inputs)
    aliases = _wanted_outputs(signature, output_filter)
    fetches = [signature.outputs[alias].tensor_name for alias in aliases]
    if max_answer_bytes is not None:
        _check_answer(servable, feeds, fetches, max_answer_bytes)
    values = _run(servable, feeds, fetches, "Predict", telemetry)
    if max_answer_bytes is not None:
        _check_size(sum(value.nbytes for value in values if value.dtype.kind != "O"), max_answer_bytes)
    resolved = ModelSpec(servable.name, servable.version, signature_name=name)
    return resolved, dict(zip(aliases, values, strict=True))


def run_examples(
    servable: Servable,
    tasks: Sequence[tuple[ModelSpec, str]],
    examples: Sequence[bytes],
    *,
    api: str,
    check_methods: bool = False,
    telemetry: Telemetry | None = None,
) -> tuple[list[ModelSpec], list[Classification | Regression]]:
    """Run signatures of one model over the same examples, in one run of the graph.

    Args:
        servable: The loaded version.
        tasks: Spec and method of each signature.
        examples: Serialized ``tf.Example`` messages.
        api: ``"Classify"``, ``"Regress"`` or ``"MultiInference"``; chooses the words of errors.
        check_methods: Whether a signature must declare the method. Defaults to False.
        telemetry: Takes the run's time. Defaults to none.

    Returns:
        The resolved spec and the result of each task.

    Raises:
        ServingError: By its class.
    """
    unknown = (
        "Requested signature not found in model graph: "
        if api == "MultiInference"
        else "No signature was found with the name: "
    )
    prepared: dict[str, Task] = {}
    for spec, method in tasks:
        name = spec.signature_name or DEFAULT_SIGNATURE
        if api == "MultiInference":
            _check_task(spec, tasks[0][0], name, prepared)
        signature = servable.signature(name)
        if signature is None:
            raise InvalidRequestError(f"{unknown}{name}")
        prepared[name] = example_signatures.prepare(method, signature, check_method=check_methods)
    if not examples:
        raise InvalidRequestError("Input is empty.")
    fetches = [fetch for task in prepared.values() for fetch in task.fetches]
    serialized = np.empty(len(examples), object)
    serialized[:] = examples
    # Signatures of TensorFlow 2 have inputs of their own: each takes the same examples.
    feeds = {task.feed: serialized for task in prepared.values()}
    values = dict(zip(fetches, _run(servable, feeds, fetches, api, telemetry), strict=True))
    if telemetry is not None:
        telemetry.examples(servable.name, len(examples))
    results = [
        task.result([values[fetch] for fetch in task.fetches], len(examples)) for task in prepared.values()
    ]
    return [ModelSpec(servable.name, servable.version, signature_name=name) for name in prepared], results


def _check_size(size: int, limit: int) -> None:
    """Refuse an answer that no message can carry.

    Raises:
        ResourceExhaustedError: It takes more than ``limit`` bytes.
    """
    if size > limit:
        raise ResourceExhaustedError(
            f"The answer takes {size} bytes; a gRPC message holds at most {limit}. "
            "Ask for fewer rows, or for fewer outputs with output_filter."
        )


def _check_answer(servable: Servable, feeds: Mapping[str, Array], fetches: Sequence[str], limit: int) -> None:
    # Shapes are followed through the graph only where the request is large enough to matter.
    if sum(value.nbytes for value in feeds.values()) * _LARGEST_GAIN > limit:
        _check_size(servable.model.least_answer_bytes(feeds, fetches), limit)


def _run(
    servable: Servable,
    feeds: Mapping[str, Array],
    fetches: Sequence[str],
    api: str,
    telemetry: Telemetry | None,
) -> list[Array]:
    cancellation.check()
    started = time.perf_counter()
    values = servable.model.run(feeds, fetches)
    if telemetry is not None:
        telemetry.ran(servable.name, api, time.perf_counter() - started)
    return values


def signature_for_json(servable: Servable, name: str) -> Signature:
    """Return a signature for a REST request, whose error differs from gRPC's.

    Raises:
        InvalidRequestError: There is no such signature.
    """
    signature = servable.signature(name or DEFAULT_SIGNATURE)
    if signature is None:
        raise InvalidRequestError(
            f'Serving signature name: "{name or DEFAULT_SIGNATURE}" not found in signature def'
        )
    return signature


def _check_task(spec: ModelSpec, first: ModelSpec, name: str, seen: Mapping[str, Task]) -> None:
    if not spec.name:
        raise InvalidRequestError("Found ModelSpec with an empty model name.")
    if spec.name != first.name:
        raise InvalidRequestError(
            "All ModelSpecs in a MultiInferenceRequest must access the same model name."
        )
    if name in seen:
        raise InvalidRequestError(f"Duplicate evaluation of signature: {name}")


def _join(names: Sequence[str] | Mapping[str, Any] | set[str]) -> str:
    return ",".join(sorted(names))


def _feeds(signature: Signature, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Name the inputs by graph tensor, with defaults where a request leaves one out."""
    wanted = signature.inputs
    if len(inputs) > len(wanted) or (len(inputs) < len(wanted) and not signature.defaults):
        sent, needed = set(inputs), set(wanted)
        raise InvalidRequestError(
            f"input size does not match signature: {len(inputs)}!={len(wanted)} "
            f"len({{{_join(sent)}}}) != len({{{_join(needed)}}}). Sent extra: {{{_join(sent - needed)}}}. "
            f"Missing but required: {{{_join(needed - sent)}}}."
        )
    feeds = {}
    used = []
    for alias, tensor in wanted.items():
        if alias in inputs:
            feeds[tensor.tensor_name] = inputs[alias]
            used.append(alias)
        elif alias in signature.defaults:
            feeds[tensor.tensor_name] = signature.defaults[alias]
        else:
            raise InvalidRequestError(
                f"Signature input alias: {alias}(feed name: {tensor.tensor_name}) not found in request and "
                f"no default value provided. Inputs expected to be in the request {{{_join(inputs)}}}, "
                f"or default input alias set: {_join(signature.defaults)}"
            )
    if len(used) != len(inputs):
        raise InvalidRequestError(
            f"Inputs contains invalid name. Used request inputs: {_join(used)}, "
            f"request input: {_join(inputs)}"
        )
    return feeds


def _wanted_outputs(signature: Signature, output_filter: Sequence[str]) -> list[str]:
    seen: list[str] = []
    for alias in output_filter:
        if alias not in signature.outputs:
            raise InvalidRequestError(
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {{{_join(signature.outputs)}}}."
            )
        if alias in seen:
            raise InvalidRequestError(f"duplicate output tensor alias: {alias}")
        seen.append(alias)
    return seen or list(signature.outputs)
