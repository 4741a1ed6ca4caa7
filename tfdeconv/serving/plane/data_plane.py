"""Requests on arrays: what every transport asks of the loaded models. No bytes, no sockets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2

from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving.model_spec import ModelSpec
from tfdeconv.serving.plane import example_signatures, signature_runs
from tfdeconv.serving.plane.example_signatures import Classification, Regression
from tfdeconv.serving.repository.repository import ModelRepository
from tfdeconv.serving.repository.servable import Servable, VersionStatus
from tfdeconv.serving.telemetry import Telemetry

Array = np.ndarray[Any, Any]


class DataPlane:
    """Answers requests from a model repository.

    Args:
        repository: Where the models are.
        telemetry: Takes times and counts.
        check_method_names: Whether signatures must declare the method they are run by. Defaults to False.
    """

    def __init__(
        self, repository: ModelRepository, telemetry: Telemetry, *, check_method_names: bool = False
    ) -> None:
        self.repository = repository
        self.telemetry = telemetry
        self._check_method_names = check_method_names

    def predict(
        self,
        spec: ModelSpec,
        inputs: Mapping[str, Array],
        output_filter: Sequence[str] = (),
        *,
        max_answer_bytes: int | None = None,
    ) -> tuple[ModelSpec, dict[str, Array]]:
        """Run a signature; see ``signature_runs.predict``.

        Args:
            spec: The wanted model, version and signature.
            inputs: Input alias to array.
            output_filter: Wanted output aliases in order. Defaults to all.
            max_answer_bytes: Most bytes of the outputs. Defaults to no limit.

        Raises:
            ServingError: By its class, in TensorFlow Serving's words.
        """
        with self.repository.lease(spec) as servable:
            return self.predict_with(
                servable, spec.signature_name, inputs, output_filter, max_answer_bytes=max_answer_bytes
            )

    def predict_with(
        self,
        servable: Servable,
        signature_name: str,
        inputs: Mapping[str, Array],
        output_filter: Sequence[str] = (),
        *,
        max_answer_bytes: int | None = None,
    ) -> tuple[ModelSpec, dict[str, Array]]:
        """Run a signature of a version that the caller has leased; see ``predict``."""
        return signature_runs.predict(
            servable,
            signature_name,
            inputs,
            output_filter,
            check_method=self._check_method_names,
            max_answer_bytes=max_answer_bytes,
            telemetry=self.telemetry,
        )

    def classify(self, spec: ModelSpec, examples: Sequence[bytes]) -> tuple[ModelSpec, Classification]:
        """Run a classification signature over serialized ``tf.Example`` messages; see ``predict``."""
        tasks = [(spec, example_signatures.CLASSIFY)]
        (resolved,), (result,) = self._run_examples(tasks, examples, "Classify")
        assert isinstance(result, Classification)
        return resolved, result

    def regress(self, spec: ModelSpec, examples: Sequence[bytes]) -> tuple[ModelSpec, Regression]:
        """Run a regression signature over serialized ``tf.Example`` messages; see ``predict``."""
        (resolved,), (result,) = self._run_examples([(spec, example_signatures.REGRESS)], examples, "Regress")
        assert isinstance(result, Regression)
        return resolved, result

    def multi_inference(
        self, tasks: Sequence[tuple[ModelSpec, str]], examples: Sequence[bytes]
    ) -> tuple[list[ModelSpec], list[Classification | Regression]]:
        """Run several signatures of one model over the same examples; see ``signature_runs.run_examples``.

        Args:
            tasks: Spec and method (``tensorflow/serving/classify`` or ``.../regress``) of each.
            examples: Serialized ``tf.Example`` messages.
        """
        return self._run_examples(tasks, examples, "MultiInference")

    def _run_examples(
        self, tasks: Sequence[tuple[ModelSpec, str]], examples: Sequence[bytes], api: str
    ) -> tuple[list[ModelSpec], list[Classification | Regression]]:
        with self.repository.lease(tasks[0][0] if tasks else ModelSpec("")) as servable:
            return signature_runs.run_examples(
                servable,
                tasks,
                examples,
                api=api,
                check_methods=self._check_method_names,
                telemetry=self.telemetry,
            )

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
