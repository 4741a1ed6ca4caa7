"""What a client asks models to do, whatever its protocol and whether its caller blocks or awaits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from tfdeconv.client.exchange.administration import Administration
from tfdeconv.client.exchange.flow import Deadline, Flow
from tfdeconv.client.values.examples import read_example, read_examples
from tfdeconv.client.values.inputs import bind
from tfdeconv.client.values.results import (
    Classification,
    Metadata,
    ModelRef,
    Signature,
    spec_list,
)
from tfdeconv.errors import FailedPreconditionError, InternalError, InvalidRequestError

DEFAULT_SIGNATURE = "serving_default"


class Inference(Administration):
    """The flows that run a signature."""

    def predict(
        self,
        inputs: Any,
        *,
        model: str | None = None,
        version: int | None = None,
        label: str | None = None,
        signature: str = DEFAULT_SIGNATURE,
        outputs: Sequence[str] | None = None,
        timeout: float | None = None,
    ) -> Flow[dict[str, NDArray[Any]]]:
        """Run a signature of a model.

        The first call asks the server for the model's signatures; they name a lone input and give the
        type that each value is converted to. Values may be arrays, images (anything NumPy takes), nested
        lists, or ``bytes`` and ``str`` for string tensors.

        Args:
            inputs: A mapping from input names to values, or the value of the only input.
            model: Name of the model.
            version: Version of the model.
            label: Label of the version, as the server's configuration assigns it.
            signature: Name of the signature. Default ``"serving_default"``.
            outputs: Names of the outputs to return. Default: all.
            timeout: Seconds for the whole call.

        Returns:
            Output name to array; string tensors are object arrays of ``bytes``.

        Raises:
            InvalidRequestError: Names, types or shapes are not what the signature takes; the message
                says what it takes.
            FailedPreconditionError: The model has no such signature; the message lists those it has.
            NotFoundError: The server has no such model or version.
            UnavailableError: The server could not be reached, or is overloaded, at every attempt.
            DeadlineExceededError: No answer in time.
        """
        ref = self._ref(model, version, label)
        deadline = self._deadline(timeout)
        known = self._metadata.get(ref)
        metadata = known or (yield from self._fetch_metadata(ref, deadline))
        try:
            return (yield from self._predict(ref, metadata, inputs, signature, outputs, deadline))
        except (InvalidRequestError, FailedPreconditionError, InternalError):
            if known is None:
                raise
            # The signatures were read earlier: a version served since may have others.
            metadata = yield from self._fetch_metadata(ref, deadline)
            if metadata.signatures == known.signatures:
                raise
        return (yield from self._predict(ref, metadata, inputs, signature, outputs, deadline))

    def _predict(
        self,
        ref: ModelRef,
        metadata: Metadata,
        inputs: Any,
        name: str,
        outputs: Sequence[str] | None,
        deadline: Deadline,
    ) -> Flow[dict[str, NDArray[Any]]]:
        signature = metadata.signature(name)
        arrays = bind(inputs, name, signature)
        chosen = _choose_outputs(outputs, name, signature)
        call = self._dialect.predict(ref, name, signature, arrays, chosen)
        try:
            return (yield from self._delivery.any(call, deadline))
        except InvalidRequestError as error:
            sent = ", ".join(f"{key} {list(array.shape)}" for key, array in sorted(arrays.items()))
            raise type(error)(
                f"{error} (Signature {name!r} takes {spec_list(signature.inputs) or 'no inputs'}; "
                f"shapes sent: {sent or 'none'}.)"
            ) from None

    def classify(
        self,
        examples: Iterable[Mapping[str, Any]],
        *,
        context: Mapping[str, Any] | None = None,
        model: str | None = None,
        version: int | None = None,
        label: str | None = None,
        signature: str = DEFAULT_SIGNATURE,
        timeout: float | None = None,
    ) -> Flow[list[list[Classification]]]:
        """Classify examples with a signature that takes ``tf.Example`` records.

        Args:
            examples: Dicts from feature names to a value or a flat list: integers and booleans become
                int64 features, floats float features, ``bytes`` and ``str`` bytes features.
            context: Features that all examples share.
            model: Name of the model.
            version: Version of the model.
            label: Label of the version.
            signature: Name of the signature.
            timeout: Seconds for the whole call.

        Returns:
            For each example its classes, each a (label, score).

        Raises:
            InvalidRequestError: Examples that are not dicts of features, or that the model refuses.
        """
        shared = None if context is None else read_example(context)
        call = self._dialect.classify(
            self._ref(model, version, label), signature, read_examples(examples), shared
        )
        return (yield from self._delivery.any(call, self._deadline(timeout)))

    def regress(
        self,
        examples: Iterable[Mapping[str, Any]],
        *,
        context: Mapping[str, Any] | None = None,
        model: str | None = None,
        version: int | None = None,
        label: str | None = None,
        signature: str = DEFAULT_SIGNATURE,
        timeout: float | None = None,
    ) -> Flow[NDArray[Any]]:
        """Regress examples with a signature that takes ``tf.Example`` records.

        Takes the arguments of :meth:`classify`.

        Returns:
            One float32 per example.
        """
        shared = None if context is None else read_example(context)
        call = self._dialect.regress(
            self._ref(model, version, label), signature, read_examples(examples), shared
        )
        return (yield from self._delivery.any(call, self._deadline(timeout)))


def _choose_outputs(outputs: Sequence[str] | None, name: str, signature: Signature) -> Sequence[str]:
    if outputs is None:
        return list(signature.outputs)
    if isinstance(outputs, str):
        outputs = [outputs]
    unknown = sorted(set(outputs) - set(signature.outputs))
    if unknown or len(set(outputs)) != len(outputs):
        raise InvalidRequestError(
            f"outputs must be distinct names out of {', '.join(signature.outputs)} (signature {name!r}); "
            f"received {', '.join(map(repr, outputs))}."
        )
    return outputs
