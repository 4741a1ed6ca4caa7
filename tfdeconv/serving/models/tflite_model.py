"""A TensorFlow Lite file, run as TensorFlow Serving's TfLiteSession runs it.

No request may end the process. XNNPACK (TensorFlow 2.21) reads and writes outside its memory for sizes
that leave an operation nothing to compute (a picture smaller than a valid convolution's kernel, a batch
of no rows), and where a size is changed that the file fixes. So fixed sizes stay as they are, and each
new combination of sizes is tried first by an interpreter that only allocates, with kernels that check.
"""

from __future__ import annotations

import collections
import os
import queue
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2

from tfdeconv.errors import InternalError, InvalidRequestError, NotFoundError, ServingError
from tfdeconv.serving.models import session_values
from tfdeconv.serving.models.saved_model_proto import Signature
from tfdeconv.serving.models.session_values import Array
from tfdeconv.serving.models.tflite_interpreter import LiteInterpreter, LiteSignature

FILE = "model.tflite"
_PREDICT = "tensorflow/serving/predict"
_MAX_RANK = 5  # of inputs whose rank the file does not tell; some kernels end the process at 7
_MAX_TRIED = 256
# How an allocation complains of operations that this build of TensorFlow Lite lacks.
_MISSING = ("unresolved custom op", "Select TensorFlow op")
_Shapes = tuple[tuple[str, tuple[int, ...]], ...]


class TfliteModel:
    """A loaded TensorFlow Lite model; the same interface as ``SessionModel``.

    A size that the file leaves open is the request's. Where every input and output of a signature has
    the same fixed first size, requests of any number of rows run in pieces of that size.

    Args:
        file: The file.
        interpreters: Requests that run at the same time, each on one thread; 0 for one for each CPU.
            Defaults to 0.
        max_image_pixels: Largest encoded image that a string input may hold, by its header. Defaults
            to no limit.

    Attributes:
        signature_defs: Signature name to its message.
        signatures: The same, prepared for requests.
        batch_size: The fixed first size of the only input of the only signature, else None.

    Raises:
        NotFoundError: There is no such file.
        ServingError: It is no TensorFlow Lite model, or one with operations that are not there.
    """

    def __init__(self, file: Path, *, interpreters: int = 0, max_image_pixels: int | None = None) -> None:
        self._max_image_pixels = max_image_pixels
        self._content = _read(file)
        self._tried: collections.OrderedDict[tuple[str, _Shapes], str] = collections.OrderedDict()
        self._lock = threading.Lock()
        # Last in, first out: the interpreter that ran last is likely to have the wanted sizes.
        self._idle: queue.LifoQueue[LiteInterpreter] = queue.LifoQueue()
        try:
            made = [LiteInterpreter(self._content) for _ in range(interpreters or os.cpu_count() or 1)]
            self._signatures = unique_names(made[0].signatures())
            for interpreter in made:
                for signature in self._signatures.values():
                    _prepare(interpreter, signature)
                self._idle.put(interpreter)
        except (ValueError, RuntimeError, TypeError) as error:
            raise ServingError(f"Cannot read the TensorFlow Lite model {file}: {_line(error)}") from None
        self.signature_defs = {name: _message(entry) for name, entry in self._signatures.items()}
        self.signatures = {
            name: Signature.from_message(name, message) for name, message in self.signature_defs.items()
        }
        self._specs = {
            spec.tensor_name: spec
            for signature in self.signatures.values()
            for spec in signature.inputs.values()
        }
        self._rows = {name: _fixed_rows(entry) for name, entry in self._signatures.items()}
        self.batch_size = _batch_size(self.signatures)

    def run(self, feeds: Mapping[str, Array], fetches: Sequence[str]) -> list[Array]:
        """Return the values of a signature's outputs.

        Args:
            feeds: Tensor name to value, for all inputs of one signature.
            fetches: Tensor names of its outputs; repetitions are allowed.

        Raises:
            InvalidRequestError: A value has another dtype, rank or fixed size than the signature says, or
                the model cannot compute anything at these sizes.
            InternalError: An operation failed.
        """
        self.check_feeds(feeds)
        name = self._find(feeds, fetches)
        signature = self._signatures[name]
        inputs = {alias: feeds[spec.tensor_name] for alias, (_, spec) in signature.inputs.items()}
        outputs = self._run(name, inputs)
        values = {spec.tensor_name: outputs[alias] for alias, (_, spec) in signature.outputs.items()}
        return [values[fetch] for fetch in fetches]

    def _find(self, feeds: Mapping[str, Array], fetches: Sequence[str]) -> str:
        for name, signature in self.signatures.items():
            inputs = {spec.tensor_name for spec in signature.inputs.values()}
            outputs = {spec.tensor_name for spec in signature.outputs.values()}
            if inputs == feeds.keys() and outputs.issuperset(fetches):
                return name
        raise InvalidRequestError(
            f"No signature of the TensorFlow Lite model takes {{{','.join(sorted(feeds))}}} and "
            f"gives {{{','.join(sorted(set(fetches)))}}}."
        )

    def least_answer_bytes(self, feeds: Mapping[str, Array], fetches: Sequence[str]) -> int:
        """Return 0: an interpreter tells the sizes only after it has allocated its tensors."""
        return 0

    def check_feeds(self, feeds: Mapping[str, Array]) -> None:
        """Check dtypes and sizes; see ``run``."""
        for index, (name, value) in enumerate(sorted(feeds.items())):
            spec = self._specs.get(name)
            session_values.check_dtype(index, value, spec.dtype if spec else None, self._max_image_pixels)
            if spec is not None and spec.shape is not None:
                _check_sizes(name, value, spec.shape)

    def _run(self, name: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        rows = self._rows[name]
        if not rows:
            self._check_first_sizes(name, inputs)
            return self._run_once(name, inputs)
        counts = {len(value) for value in inputs.values()}
        if len(counts) != 1:
            raise InvalidRequestError("The inputs must have the same number of rows.")
        (count,) = counts
        pieces = []
        for start in range(0, count, rows):
            piece = {alias: value[start : start + rows] for alias, value in inputs.items()}
            missing = start + rows - count
            if missing > 0:
                piece = {
                    alias: np.concatenate([value, np.repeat(value[-1:], missing, 0)])
                    for alias, value in piece.items()
                }
            pieces.append(self._run_once(name, piece))
        if len(pieces) == 1:
            return {alias: value[:count] for alias, value in pieces[0].items()}
        return {alias: np.concatenate([piece[alias] for piece in pieces])[:count] for alias in pieces[0]}

    def _check_first_sizes(self, name: str, inputs: Mapping[str, Array]) -> None:
        for alias, value in inputs.items():
            spec = self.signatures[name].inputs[alias]
            if spec.shape and spec.shape[0] not in (-1, len(value)):
                raise _wrong_shape(spec.tensor_name, value, spec.shape)

    def _run_once(self, name: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        signature = self._signatures[name]
        shapes = {alias: value.shape for alias, value in inputs.items()}
        reason = self._obstacle(name, shapes)
        if reason:
            described = ", ".join(f"{alias} {session_values.sizes(shapes[alias])}" for alias in shapes)
            raise InvalidRequestError(
                f"The TensorFlow Lite model cannot compute with inputs of these sizes ({described}): {reason}"
            )
        interpreter = self._idle.get()
        try:
            interpreter.allocate(signature, shapes)
            return interpreter.run(signature, inputs)
        except (RuntimeError, ValueError) as error:
            interpreter = LiteInterpreter(self._content)  # the old one keeps the texts of all its errors
            raise InternalError(f"Failed to invoke TfLite interpreter: {_line(error)}") from None
        finally:
            self._idle.put(interpreter)

    def _obstacle(self, name: str, shapes: Mapping[str, tuple[int, ...]]) -> str:
        """Return why the model cannot take inputs of these shapes, empty if it can."""
        if all(shapes[alias] == spec.shape for alias, spec in self.signatures[name].inputs.items()):
            return ""  # those in the file, allocated when it was loaded
        key = name, tuple(shapes.items())
        with self._lock:
            known = self._tried.get(key)
        if known is None:
            known = self._try(name, shapes)
            with self._lock:
                self._tried[key] = known
                if len(self._tried) > _MAX_TRIED:
                    self._tried.popitem(last=False)
        return known

    def _try(self, name: str, shapes: Mapping[str, tuple[int, ...]]) -> str:
        signature = self._signatures[name]
        try:
            # A fresh one each time: its memory, as large as the request's, goes back at once.
            trial = LiteInterpreter(self._content, delegates=False)
            trial.allocate(signature, shapes)
        except (RuntimeError, ValueError) as error:
            return _line(error)
        return "an operation would have nothing to compute" if trial.has_empty_tensor(signature) else ""

    def close(self) -> None:
        """Release the interpreters; no request may be running."""
        while not self._idle.empty():
            self._idle.get()


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"There is no TensorFlow Lite model {file}.") from None
    except OSError as error:
        raise ServingError(f"Cannot read the TensorFlow Lite model {file}: {error.strerror}") from None


def _prepare(interpreter: LiteInterpreter, signature: LiteSignature) -> None:
    """Allocate the sizes in the file, so that the first request does not pay for it.

    Open sizes are 1 there, which the model need not be able to take.
    """
    try:
        interpreter.allocate(signature, {})
    except RuntimeError as error:
        is_open = any(-1 in (spec.shape or ()) for _, spec in signature.inputs.values())
        if not is_open or any(kind in str(error) for kind in _MISSING):
            raise


def unique_names(signatures: Mapping[str, LiteSignature]) -> dict[str, LiteSignature]:
    """Return the signatures with names that tell their tensors apart: each has a graph of its own."""
    seen: set[str] = set()
    unique = {}
    for name, signature in signatures.items():
        names = {spec.tensor_name for _, spec in (*signature.inputs.values(), *signature.outputs.values())}
        unique[name] = signature.prefixed(f"{name}/") if names & seen else signature
        seen |= names
    return unique


def _message(signature: LiteSignature) -> meta_graph_pb2.SignatureDef:
    message = meta_graph_pb2.SignatureDef(method_name=_PREDICT)
    for tensors, infos in ((signature.inputs, message.inputs), (signature.outputs, message.outputs)):
        for alias, (_, spec) in tensors.items():
            info = infos[alias]
            info.name, info.dtype = spec.tensor_name, spec.dtype
            info.tensor_shape.SetInParent()
            for size in spec.shape or ():
                info.tensor_shape.dim.add(size=size)
    return message


def _check_sizes(name: str, value: Array, shape: tuple[int, ...]) -> None:
    # A file has no way to say that any rank fits: it looks like a scalar.
    if shape:
        session_values.check_rank(name, value, shape)
    elif value.ndim > _MAX_RANK:
        raise InvalidRequestError(
            f"Tensor {name} must have rank {_MAX_RANK} or less; a tensor of rank {value.ndim} is provided"
        )
    fixed = [size in (-1, given) for size, given in zip(shape[1:], value.shape[1:], strict=False)]
    if not all(fixed):
        raise _wrong_shape(name, value, shape)
    if not value.size:
        raise InvalidRequestError(
            f"Tensor {name} is empty (shape {session_values.sizes(value.shape)}); "
            "a TensorFlow Lite model needs at least one value."
        )


def _wrong_shape(name: str, value: Array, shape: tuple[int, ...]) -> InvalidRequestError:
    return InvalidRequestError(
        f"Tensor {name} must have shape {session_values.sizes(shape)} but a tensor of shape "
        f"{session_values.sizes(value.shape)} is provided"
    )


def _fixed_rows(signature: LiteSignature) -> int:
    """Return the first size where all inputs and outputs fix the same one, else 0."""
    specs = [spec for _, spec in (*signature.inputs.values(), *signature.outputs.values())]
    first = {spec.shape[0] if spec.shape else -1 for spec in specs}
    return max(0, first.pop()) if signature.inputs and len(first) == 1 else 0


def _batch_size(signatures: Mapping[str, Signature]) -> int | None:
    inputs = [spec for signature in signatures.values() for spec in signature.inputs.values()]
    if len(inputs) != 1 or not inputs[0].shape or inputs[0].shape[0] < 0:
        return None
    return inputs[0].shape[0]


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
