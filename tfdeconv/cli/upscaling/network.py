"""Which network enlarges: one that comes with tfdeconv, a file's, or a server's."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfdeconv.errors import InvalidArgumentError


@dataclass(frozen=True)
class NetworkChoice:
    """What the options of a command say about the network; it is loaded where it is needed.

    Attributes:
        servers: URLs of servers; none: the network runs here.
        model: Name of the served model, or path of a ``.keras`` file.
        weights: Path of weights of ``tfdeconv train``.
        concurrency: Most tiles in flight to a server.
        headers: Sent to it.
        ca: Certificates to trust.
    """

    servers: tuple[str, ...] = ()
    model: str | None = None
    weights: Path | None = None
    concurrency: int = 4
    headers: tuple[str, ...] = ()
    ca: str | None = None

    @contextlib.contextmanager
    def load(self, scale: float | None) -> Iterator[Any]:
        """Yield the network for a factor, or for any; None: the networks that come with tfdeconv.

        Raises:
            TfdeconvError: It cannot be loaded, or does not reach ``scale``.
        """
        from tfdeconv.zoo.pictures.upscaling import passes

        with contextlib.ExitStack() as stack:
            network: Any = None
            if self.servers:
                network = stack.enter_context(self._served())
            elif self.model is not None:
                network = _of_keras_file(Path(self.model))
            elif self.weights is not None:
                network = _trained(scale, self.weights)
            if network is not None and scale is not None:
                passes(scale, (network.scale,))
            yield network

    @contextlib.contextmanager
    def _served(self) -> Iterator[Any]:
        from tfdeconv.cli.connection import open_client
        from tfdeconv.zoo import ServedNetwork

        model = self.model or "upscaler"
        try:
            opened = open_client(self.servers, model=model, timeout=60.0, headers=self.headers, ca=self.ca)
        except InvalidArgumentError as error:
            raise type(error)(re.sub(r"^url\b", "--server", str(error))) from None
        with opened as client:
            yield ServedNetwork(client, concurrency=self.concurrency)


def _of_keras_file(path: Path) -> Any:
    """The network in a file of a user's."""
    from tfdeconv.cli.keras_file import load_keras_file
    from tfdeconv.zoo import KerasNetwork

    return KerasNetwork(load_keras_file(path, "--model"))


def _trained(scale: float | None, weights: Path) -> Any:
    """The network of a training run, for the least of the factors that reach ``scale``; any without one."""
    from tfdeconv.zoo import LocalNetwork, load_upscaler
    from tfdeconv.zoo.upscalers.chain import KERNEL_SIZES

    factors = tuple(KERNEL_SIZES)
    if scale is not None:
        factor = min((factor for factor in factors if factor >= scale), default=max(factors))
        return LocalNetwork(load_upscaler(factor, weights=weights, data_format="channels_last"), factor)
    for factor in factors:
        try:
            return LocalNetwork(load_upscaler(factor, weights=weights, data_format="channels_last"), factor)
        except InvalidArgumentError:
            if factor == factors[-1]:
                raise
    raise AssertionError("unreachable: the last factor returns or raises")
