"""What a client does, whatever its protocol and whether its caller blocks or awaits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tfdeconv.client.exchange.dialect import Dialect
from tfdeconv.client.exchange.flow import Call, Deadline, Flow, Send, Sleep, T
from tfdeconv.client.exchange.retry import RetryPolicy
from tfdeconv.client.exchange.tiled_call import TiledCall, read_rule
from tfdeconv.client.values.examples import read_example, read_examples
from tfdeconv.client.values.images import check_encoded, from_unit_batch, to_unit_batch
from tfdeconv.client.values.inputs import bind
from tfdeconv.client.values.results import (
    Classification,
    Metadata,
    ModelRef,
    Signature,
    VersionStatus,
    spec_list,
)
from tfdeconv.errors import (
    DeadlineExceededError,
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from tfdeconv.wire import tile_rule
from tfdeconv.wire.tile_rule import TileRule

DEFAULT_SIGNATURE = "serving_default"
_IMAGE_BYTES_SIGNATURE = "serve_image_bytes"
_UPSCALER = "upscaler"
_FIRST_POLL, _LAST_POLL = 0.05, 1.0  # seconds between two looks of wait_until_ready


class Session:
    """The flows of a client; it holds the metadata of the models asked for so far."""

    def __init__(self, dialect: Dialect, *, model: str | None, timeout: float, retry: RetryPolicy) -> None:
        """Take the defaults of every call."""
        self._dialect = dialect
        self._model = model
        self._timeout = _check_timeout(timeout)
        self._retry = retry
        self._metadata: dict[ModelRef, Metadata] = {}

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
            return (yield from self._exchange(call, deadline))
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
        return (yield from self._exchange(call, self._deadline(timeout)))

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
        return (yield from self._exchange(call, self._deadline(timeout)))

    def upscale(
        self,
        image: Any,
        *,
        model: str | None = None,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
    ) -> Flow[Any]:
        """Send a picture through a served upscaler.

        Args:
            image: An RGB array ``[H, W, 3]`` or ``[N, H, W, 3]`` (uint8, uint16, or floats in
                [0, 1]), sent to the signature ``serving_default``; or the ``bytes`` of a PNG or JPEG,
                sent to ``serve_image_bytes``.
            model: Name of the model; default the one given to ``connect``, else ``"upscaler"``.
            version: Version of the model.
            label: Label of the version.
            timeout: Seconds for the whole call.

        Returns:
            The upscaled picture as it came: an array of the same rank and type (floats as float32), or
            the ``bytes`` of a PNG.

        Raises:
            ImageError: The array or the bytes are not such a picture.
        """
        encoded = isinstance(image, bytes | bytearray | memoryview)
        outputs = yield from self.predict(
            [check_encoded(bytes(image))] if encoded else to_unit_batch(image),
            model=model or self._model or _UPSCALER,
            version=version,
            label=label,
            signature=_IMAGE_BYTES_SIGNATURE if encoded else DEFAULT_SIGNATURE,
            outputs=None,
            timeout=timeout,
        )
        batch = self.only(outputs)
        return batch[0] if encoded else from_unit_batch(batch, like=image)

    @property
    def upscaler(self) -> str:
        """Name of the model that ``upscale`` takes."""
        return self._model or _UPSCALER

    @staticmethod
    def only(outputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return the output of an upscaler, which has one."""
        if len(outputs) != 1:
            raise FailedPreconditionError(
                f"An upscaler has one output, this model {len(outputs)}: {', '.join(outputs)}. Use predict()."
            )
        (batch,) = outputs.values()
        return batch

    def tiled_call(self, inputs: Any, tiles: Any, options: Mapping[str, Any]) -> Flow[TiledCall]:
        """Return the call of a model on a picture, cut by its rule.

        Args:
            inputs: What ``predict`` takes.
            tiles: The rule, or where it is; None: asked of the server.
            options: The keyword arguments of ``predict``.

        Raises:
            FailedPreconditionError: The server knows no rule.
        """
        chosen = _chosen(options)
        rule = read_rule(tiles) if tiles is not None else (yield from self.tile_rule(**chosen))
        if rule is None:
            raise FailedPreconditionError(
                f"Model {chosen['model'] or self._model!r} does not say how it is cut. Export it with "
                "tile=, or give tiles=, the version folder of one that was."
            )
        metadata = yield from self.metadata(**chosen)
        name = options.get("signature") or DEFAULT_SIGNATURE
        return TiledCall(bind(inputs, name, metadata.signature(name)), rule)

    def is_cut(self, pictures: NDArray[Any], options: Mapping[str, Any]) -> Flow[bool]:
        """Return whether pictures for ``upscale`` are larger than the tiles of a model that says them."""
        rule = yield from self.tile_rule(**_chosen(options))
        sizes = pictures.shape[1:-1]
        return rule is not None and any(size > tile for size, tile in zip(sizes, rule.tile, strict=False))

    def tile_rule(
        self,
        *,
        model: str | None = None,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
    ) -> Flow[TileRule | None]:
        """Return how large pictures are cut for a model; None where it was not exported with ``tile=``.

        Args:
            model: Name of the model.
            version: Version of the model.
            label: Label of the version.
            timeout: Seconds for the whole call.
        """
        chosen: Any = {"model": model, "version": version, "label": label, "timeout": timeout}
        metadata = yield from self.metadata(**chosen)
        if tile_rule.SIGNATURE not in metadata.signatures:
            return None
        query = {tile_rule.QUERY: [tile_rule.SIGNATURE]}
        outputs = yield from self.predict(query, signature=tile_rule.SIGNATURE, **chosen)
        return TileRule.from_json(outputs[tile_rule.SIGNATURE][0])

    def metadata(
        self,
        *,
        model: str | None = None,
        version: int | None = None,
        label: str | None = None,
        refresh: bool = False,
        timeout: float | None = None,
    ) -> Flow[Metadata]:
        """Return the signatures of a model; asked for once, then remembered.

        Args:
            model: Name of the model.
            version: Version of the model.
            label: Label of the version.
            refresh: Ask again.
            timeout: Seconds for the whole call.
        """
        ref = self._ref(model, version, label)
        if not refresh and ref in self._metadata:
            return self._metadata[ref]
        return (yield from self._fetch_metadata(ref, self._deadline(timeout)))

    def _fetch_metadata(self, ref: ModelRef, deadline: Deadline) -> Flow[Metadata]:
        metadata = yield from self._exchange(self._dialect.metadata(ref), deadline)
        self._metadata[ref] = metadata
        return metadata

    def status(
        self, *, model: str | None = None, version: int | None = None, timeout: float | None = None
    ) -> Flow[list[VersionStatus]]:
        """Return the state of every version of a model (or of one), newest first.

        Raises:
            NotFoundError: The server has no such model or version.
        """
        return (yield from self._status(self._ref(model, version, None), self._deadline(timeout)))

    def _status(self, ref: ModelRef, deadline: Deadline) -> Flow[list[VersionStatus]]:
        states = yield from self._exchange(self._dialect.status(ref), deadline)
        return sorted(states, key=lambda state: state.version, reverse=True)

    def wait_until_ready(
        self, *, model: str | None = None, version: int | None = None, timeout: float = 60.0
    ) -> Flow[VersionStatus]:
        """Wait until a version of the model (or the one given) is available, and return its status.

        A server that is not up yet, or does not know the model yet, is waited for as well.

        Args:
            model: Name of the model.
            version: Version to wait for. Default: any.
            timeout: Seconds to wait at most.

        Raises:
            DeadlineExceededError: It did not become available in time; the message says what was seen.
        """
        ref = self._ref(model, version, None)
        deadline = Deadline(_check_timeout(timeout))
        pause = _FIRST_POLL
        seen = "no answer"
        while True:
            try:
                states = yield from self._status(ref, deadline)
            except (UnavailableError, NotFoundError) as error:
                seen = str(error)
            except DeadlineExceededError:
                break
            else:
                for state in states:
                    if state.state == "AVAILABLE":
                        return state
                seen = "; ".join(map(str, states)) or "it has no versions"
            if not deadline.allows(pause):
                break
            yield Sleep(pause)
            pause = min(2 * pause, _LAST_POLL)
        raise DeadlineExceededError(f"Model {ref.name!r} was not ready within {timeout:g} s: {seen}")

    def reload(self, config: str | Path, *, timeout: float | None = None) -> Flow[None]:
        """Replace the list of models that the server serves. gRPC only, as in TensorFlow Serving.

        Args:
            config: A ``ModelServerConfig`` in text format, or the path of a file that holds one, as for
                the server's ``--model_config_file``.
            timeout: Seconds for the whole call; the server answers when the models are loaded.

        Raises:
            InvalidArgumentError: ``config`` cannot be read or parsed.
            UnimplementedError: The client is connected over REST.
        """
        if isinstance(config, Path):
            try:
                config = config.read_text()
            except OSError as error:
                raise InvalidArgumentError(f"config {config} cannot be read: {error.strerror}.") from None
        yield from self._exchange(self._dialect.reload(config), self._deadline(timeout))
        self._metadata.clear()

    def _exchange(self, call: Call[T], deadline: Deadline) -> Flow[T]:
        """Send a call, again after a pause where the server is unavailable, and read the answer."""
        delays = self._retry.delays()
        while True:
            try:
                return call.read((yield Send(call, deadline.remaining())))
            except UnavailableError:
                delay = next(delays, None)
                if delay is None or not deadline.allows(delay):
                    raise
            yield Sleep(delay)

    def _ref(self, model: str | None, version: int | None, label: str | None) -> ModelRef:
        name = model or self._model
        if not name:
            raise InvalidArgumentError(
                "Which model? Pass model= to this call, or to connect() for all calls."
            )
        if version is not None and label is not None:
            raise InvalidArgumentError(
                f"Give a version or a label, not both; received version={version}, label={label!r}."
            )
        return ModelRef(name, version, label)

    def _deadline(self, timeout: float | None) -> Deadline:
        return Deadline(self._timeout if timeout is None else _check_timeout(timeout))


def _chosen(options: Mapping[str, Any]) -> dict[str, Any]:
    """What says which model a call is for, out of the keyword arguments of ``predict``."""
    return {key: options.get(key) for key in ("model", "version", "label", "timeout")}


def _check_timeout(timeout: float) -> float:
    if not timeout > 0:
        raise InvalidArgumentError(
            f"timeout must be positive, or math.inf for no limit; received {timeout!r}."
        )
    return timeout


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
