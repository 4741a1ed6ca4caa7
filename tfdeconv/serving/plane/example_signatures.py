"""Signatures over ``tf.Example``: classification and regression, alone or several in one run."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfdeconv.errors import InternalError, InvalidRequestError, UnimplementedError
from tfdeconv.serving.models.saved_model_proto import Signature
from tfdeconv.wire import dtypes

Array = np.ndarray[Any, Any]
CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"
PREDICT = "tensorflow/serving/predict"
INPUTS = "inputs"
_CLASSES, _SCORES, _OUTPUTS = "classes", "scores", "outputs"


@dataclasses.dataclass(frozen=True, slots=True)
class Classification:
    """Label and score of each class, for each example; a missing label is ``""``, a missing score 0."""

    examples: list[list[tuple[str, float]]]


@dataclasses.dataclass(frozen=True, slots=True)
class Regression:
    """One value for each example."""

    values: list[float]


@dataclasses.dataclass(frozen=True, slots=True)
class Task:
    """A signature prepared for a run over examples.

    Attributes:
        method: ``CLASSIFY`` or ``REGRESS``.
        signature: The signature.
        feed: Graph tensor that takes the serialized examples.
        fetches: Graph tensors to read.
    """

    method: str
    signature: Signature
    feed: str
    fetches: tuple[str, ...]

    def result(self, values: Sequence[Array], examples: int) -> Classification | Regression:
        """Return the result of the values of ``fetches``.

        Raises:
            InvalidRequestError: The values do not have the shapes or dtypes of the method.
        """
        by_name = dict(zip(self.fetches, values, strict=True))
        if self.method == REGRESS:
            return _regression(by_name[self.fetches[0]], examples)
        outputs = self.signature.outputs
        classes = by_name[outputs[_CLASSES].tensor_name] if _CLASSES in outputs else None
        scores = by_name[outputs[_SCORES].tensor_name] if _SCORES in outputs else None
        return _classification(classes, scores, examples)


def prepare(method: str, signature: Signature, *, check_method: bool) -> Task:
    """Return the task of running a signature over examples.

    Args:
        method: ``CLASSIFY`` or ``REGRESS``.
        signature: The signature.
        check_method: Whether the signature must declare the method. TensorFlow 2 cannot, so the
            server's default is not to check.

    Raises:
        InvalidRequestError: Another number of inputs or outputs, other names, or another method.
        UnimplementedError: Another method than the two.
    """
    if method == CLASSIFY:
        return _prepare_classify(signature, check_method=check_method)
    if method == REGRESS:
        return _prepare_regress(signature, check_method=check_method)
    raise UnimplementedError(f"Unsupported signature method_name: {method}")


def _check_method(kind: str, method: str, signature: Signature) -> None:
    if signature.method_name != method:
        raise InvalidRequestError(
            f"Expected {kind} signature method_name to be {method}. Was: {signature.method_name}"
        )


def check_prediction_method(signature: Signature) -> None:
    """Refuse to run as a prediction what declares another method.

    Raises:
        InternalError: It does; TensorFlow Serving's code for this.
    """
    if signature.method_name not in (PREDICT, CLASSIFY, REGRESS):
        raise InternalError(
            f"Expected prediction signature method_name to be one of {{{PREDICT}, {CLASSIFY}, {REGRESS}}}. "
            f"Was: {signature.method_name}"
        )


def _single_input(kind: str, signature: Signature) -> str:
    if len(signature.inputs) != 1:
        raise InvalidRequestError("Expected one input Tensor.")
    if INPUTS not in signature.inputs:
        raise InvalidRequestError(f"No {kind} inputs found in SignatureDef: {_names(signature)}")
    return signature.inputs[INPUTS].tensor_name


def _prepare_classify(signature: Signature, *, check_method: bool) -> Task:
    if check_method:
        _check_method("classification", CLASSIFY, signature)
    outputs = signature.outputs
    if len(signature.inputs) == 1 and len(outputs) not in (1, 2):
        raise InvalidRequestError(f"Expected one or two output Tensors, found {len(outputs)}")
    feed = _single_input("classification", signature)
    fetches = tuple(outputs[alias].tensor_name for alias in (_CLASSES, _SCORES) if alias in outputs)
    if not fetches:
        raise InvalidRequestError(
            "Expected classification signature outputs to contain at least one of "
            f'"{_CLASSES}" or "{_SCORES}". Signature was: {_names(signature)}'
        )
    return Task(CLASSIFY, signature, feed, fetches)


def _prepare_regress(signature: Signature, *, check_method: bool) -> Task:
    if check_method:
        _check_method("regression", REGRESS, signature)
    if len(signature.inputs) == 1 and len(signature.outputs) != 1:
        raise InvalidRequestError("Expected one output Tensor.")
    feed = _single_input("regression", signature)
    if _OUTPUTS not in signature.outputs:
        raise InvalidRequestError(f"No regression outputs found in SignatureDef: {_names(signature)}")
    return Task(REGRESS, signature, feed, (signature.outputs[_OUTPUTS].tensor_name,))


def _names(signature: Signature) -> str:
    return (
        f"{signature.name} with inputs {{{','.join(signature.inputs)}}} "
        f"and outputs {{{','.join(signature.outputs)}}}"
    )


def _classification(classes: Array | None, scores: Array | None, examples: int) -> Classification:
    for kind, tensor, wanted in (("classes", classes, dtypes.STRING), ("scores", scores, dtypes.FLOAT)):
        if tensor is not None:
            _check_classification(kind, tensor, wanted, examples)
    if classes is not None and scores is not None and classes.shape[1] != scores.shape[1]:
        raise InvalidRequestError(
            "Tensors class and score should match in dim_size(1). "
            f"Got {classes.shape[1]} vs. {scores.shape[1]}"
        )
    present = classes if classes is not None else scores
    assert present is not None  # prepare() has refused a signature without either
    shape = present.shape
    labels = np.full(shape, b"", object) if classes is None else classes
    numbers = np.zeros(shape, np.float32) if scores is None else scores
    return Classification(
        [
            [(label.decode("utf-8", "replace"), score) for label, score in zip(*row, strict=True)]
            for row in zip(labels.tolist(), numbers.tolist(), strict=True)
        ]
    )


def _check_classification(kind: str, tensor: Array, wanted: int, examples: int) -> None:
    if tensor.ndim != 2:
        raise InvalidRequestError(f"Expected Tensor shape: [batch_size num_classes] but got {_shape(tensor)}")
    found = dtypes.enum_of(tensor.dtype)
    if found != wanted:
        raise InvalidRequestError(
            f"Expected {kind} Tensor of DT_{dtypes.cpp_name(wanted).upper()}. "
            f"Got: DT_{dtypes.cpp_name(found).upper()}"
        )
    if tensor.shape[0] != examples:
        raise InvalidRequestError(f"Expected {kind} output batch size of {examples}. Got: {tensor.shape[0]}")


def _regression(output: Array, examples: int) -> Regression:
    if output.ndim != 1 and not (output.ndim == 2 and output.shape[1] == 1):
        raise InvalidRequestError(
            "Expected output Tensor shape to be either [batch_size] or "
            f"[batch_size, 1] but got {_shape(output)}"
        )
    if output.shape[0] != examples:
        raise InvalidRequestError(
            f"Input batch size did not match output batch size: {examples} vs. {output.shape[0]}"
        )
    found = dtypes.enum_of(output.dtype)
    if found != dtypes.FLOAT:
        raise InvalidRequestError(
            f"Expected output Tensor of DT_FLOAT.  Got: DT_{dtypes.cpp_name(found).upper()}"
        )
    return Regression(output.reshape(-1).tolist())


def _shape(tensor: Array) -> str:
    return f"[{','.join(map(str, tensor.shape))}]"
