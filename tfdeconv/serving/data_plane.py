"""Requests on arrays: what every transport asks of the loaded models. No bytes, no sockets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2

from tfdeconv.errors import FailedPreconditionError, InvalidRequestError
from tfdeconv.serving.model_spec import ModelSpec
from tfdeconv.serving.repository.repository import ModelRepository
from tfdeconv.serving.repository.servable import Servable, VersionStatus
from tfdeconv.serving.saved_model import DEFAULT_SIGNATURE, Signature

Array = np.ndarray[Any, Any]


class DataPlane:
    """Answers requests from a model repository.

    Args:
        repository: Where the models are.
    """

    def __init__(self, repository: ModelRepository) -> None:
        self.repository = repository

    def predict(
        self, spec: ModelSpec, inputs: Mapping[str, Array], output_filter: Sequence[str] = ()
    ) -> tuple[ModelSpec, dict[str, Array]]:
        """Run a signature.

        Args:
            spec: The wanted model, version and signature.
            inputs: Input alias to array. Looked up once each, after the names are checked.
            output_filter: Wanted output aliases in order. Defaults to all.

        Returns:
            The resolved spec, and output alias to array.

        Raises:
            ServingError: By its class, in TensorFlow Serving's words.
        """
        with self.repository.lease(spec) as servable:
            return self.predict_with(servable, spec.signature_name, inputs, output_filter)

    def predict_with(
        self,
        servable: Servable,
        signature_name: str,
        inputs: Mapping[str, Array],
        output_filter: Sequence[str] = (),
    ) -> tuple[ModelSpec, dict[str, Array]]:
        """Run a signature of a version that the caller has leased; see ``predict``."""
        name = signature_name or DEFAULT_SIGNATURE
        signature = servable.signature(name)
        if signature is None:
            raise FailedPreconditionError(f'Serving signature key "{name}" not found.')
        feeds = _feeds(signature, inputs)
        aliases = _wanted_outputs(signature, output_filter)
        values = servable.model.run(feeds, [signature.outputs[alias].tensor_name for alias in aliases])
        resolved = ModelSpec(servable.name, servable.version, signature_name=name)
        return resolved, dict(zip(aliases, values, strict=True))

    def metadata(
        self, spec: ModelSpec, fields: Sequence[str]
    ) -> tuple[ModelSpec, Mapping[str, meta_graph_pb2.SignatureDef]]:
        """Return the signatures of a loaded version.

        Args:
            spec: The wanted model and version.
            fields: Kinds of metadata; ``signature_def`` is the only one there is.

        Raises:
            InvalidRequestError: No field, or another one.
            NotFoundError: The model or version is not available.
        """
        if not fields:
            raise InvalidRequestError("GetModelMetadataRequest must specify at least one metadata_field")
        for field in fields:
            if field != "signature_def":
                raise InvalidRequestError(f"Metadata field {field} is not supported")
        with self.repository.lease(spec) as servable:
            return ModelSpec(servable.name, servable.version), servable.model.signature_defs

    def status(self, spec: ModelSpec) -> list[VersionStatus]:
        """Return the states of a model's versions, newest first; a label in ``spec`` is ignored.

        Raises:
            NotFoundError: Nothing is known of the model or version.
        """
        return self.repository.status(spec.name, spec.version)


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


def _join(names: Sequence[str] | Mapping[str, Any] | set[str]) -> str:
    return ",".join(sorted(names))


def _feeds(signature: Signature, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Name the inputs by graph tensor, with defaults where a request leaves one out."""
    wanted = signature.inputs
    if len(inputs) > len(wanted) or len(inputs) < len(wanted.keys() - signature.defaults.keys()):
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
