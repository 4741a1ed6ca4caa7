"""What a client does besides running models: signatures, states, and the list of what is served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tfdeconv.client.endpoint import Endpoint
from tfdeconv.client.exchange.delivery import Delivery
from tfdeconv.client.exchange.dialect import Dialect
from tfdeconv.client.exchange.flow import Deadline, Flow, Sleep
from tfdeconv.client.exchange.retry import RetryPolicy
from tfdeconv.client.values.results import Metadata, ModelRef, VersionStatus
from tfdeconv.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    NotFoundError,
    ServingError,
    UnavailableError,
    UnreachableError,
)

_FIRST_POLL, _LAST_POLL = 0.05, 1.0  # seconds between two looks of wait_until_ready


class Administration:
    """The flows that ask servers about models; it holds the metadata of the models asked for so far.

    Args:
        dialect: The protocol.
        endpoints: The servers.
        model: The model of calls that name none.
        timeout: Seconds for calls that do not say.
        retry: When a call is sent again.
    """

    def __init__(
        self,
        dialect: Dialect,
        endpoints: Sequence[Endpoint],
        *,
        model: str | None,
        timeout: float,
        retry: RetryPolicy,
    ) -> None:
        self._dialect = dialect
        self._delivery = Delivery(endpoints, retry)
        self._model = model
        self._timeout = _check_timeout(timeout)
        self._metadata: dict[ModelRef, Metadata] = {}

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
        metadata = yield from self._delivery.any(self._dialect.metadata(ref), deadline)
        self._metadata[ref] = metadata
        return metadata

    def status(
        self, *, model: str | None = None, version: int | None = None, timeout: float | None = None
    ) -> Flow[list[VersionStatus]]:
        """Return the state of every version of a model (or of one), newest first.

        Of several servers one is asked; :meth:`status_by_endpoint` asks all.

        Args:
            model: Name of the model.
            version: The version. Default: all.
            timeout: Seconds for the whole call.

        Raises:
            NotFoundError: The server has no such model or version.
        """
        call = self._dialect.status(self._ref(model, version, None))
        return _newest_first((yield from self._delivery.any(call, self._deadline(timeout))))

    def status_by_endpoint(
        self, *, model: str | None = None, version: int | None = None, timeout: float | None = None
    ) -> Flow[dict[str, list[VersionStatus] | ServingError]]:
        """Return what :meth:`status` returns, of each server by itself.

        Each is asked once, also one that other calls leave out because it could not be reached.

        Args:
            model: Name of the model.
            version: The version. Default: all.
            timeout: Seconds for the whole call.

        Returns:
            The URL of each server, of a name the one of each of its addresses, to the states of the
            versions, newest first, or to the error that came instead.

        Raises:
            UnreachableError: A name has no address.
        """
        call = self._dialect.status(self._ref(model, version, None))
        answers = yield from self._delivery.all(call, self._deadline(timeout))
        return {
            url: _newest_first(answer) if isinstance(answer, list) else answer
            for url, answer in answers.items()
        }

    def wait_until_ready(
        self, *, model: str | None = None, version: int | None = None, timeout: float = 60.0
    ) -> Flow[VersionStatus]:
        """Wait until a version of the model (or the one given) is available, and return its status.

        A server that is not up yet, or does not know the model yet, is waited for as well. Of several, every
        one that can be reached must have it, and at least one.

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
                answers = yield from self._delivery.all(self._dialect.status(ref), deadline)
            except UnreachableError as error:
                seen = str(error)
            else:
                late = any(isinstance(answer, DeadlineExceededError) for answer in answers.values())
                if late and not deadline.allows(0):
                    break
                ready, seen = _readiness(answers)
                if ready is not None:
                    return ready
            if not deadline.allows(pause):
                break
            yield Sleep(pause)
            pause = min(2 * pause, _LAST_POLL)
        raise DeadlineExceededError(f"Model {ref.name!r} was not ready within {timeout:g} s: {seen}")

    def reload(self, config: str | Path, *, timeout: float | None = None) -> Flow[None]:
        """Replace the list of models that the server serves. gRPC only, as in TensorFlow Serving.

        Of several servers each is told, and all of them even where one refuses.

        Args:
            config: A ``ModelServerConfig`` in text format, or the path of a file that holds one, as for
                the server's ``--model_config_file``.
            timeout: Seconds for the whole call; the server answers when the models are loaded.

        Raises:
            InvalidArgumentError: ``config`` cannot be read or parsed.
            UnimplementedError: The client is connected over REST.
            ServingError: What the first of the servers that did not take it raised.
        """
        if isinstance(config, Path):
            try:
                config = config.read_text(encoding="utf-8-sig")
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is not text"
                raise InvalidArgumentError(f"config {config} cannot be read: {reason}.") from None
        yield from self._delivery.each(self._dialect.reload(config), self._deadline(timeout))
        self._metadata.clear()

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


def _check_timeout(timeout: float) -> float:
    if not timeout > 0:
        raise InvalidArgumentError(
            f"timeout must be positive, or math.inf for no limit; received {timeout!r}."
        )
    return timeout


def _newest_first(states: list[VersionStatus]) -> list[VersionStatus]:
    return sorted(states, key=lambda state: state.version, reverse=True)


def _readiness(
    answers: Mapping[str, list[VersionStatus] | ServingError],
) -> tuple[VersionStatus | None, str]:
    """Return an available version if every server that was reached has one, and what else was seen.

    Raises:
        ServingError: A server answered that waiting does not help.
    """
    ready, waiting = None, []
    for url, answer in answers.items():
        prefix = f"{url}: " if len(answers) > 1 else ""
        if isinstance(answer, list):
            states = _newest_first(answer)
            available = next((state for state in states if state.state == "AVAILABLE"), None)
            ready = ready or available
            if available is None:
                waiting.append(prefix + ("; ".join(map(str, states)) or "it has no versions"))
        elif isinstance(answer, UnavailableError | NotFoundError | DeadlineExceededError):
            if not isinstance(answer, UnreachableError) or len(answers) == 1:
                waiting.append(f"{prefix}{answer}")
        else:
            raise answer
    if waiting or ready is None:
        return None, "; ".join(waiting) or "no server can be reached"
    return ready, ""
