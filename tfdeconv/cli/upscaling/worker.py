"""One process's part in ``tfdeconv upscale``: the network, loaded once, and what it does with each file."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
from typing import Any

from tfdeconv.cli.bulk.job_list import Job
from tfdeconv.cli.bulk.outcome import Outcome, stops_all
from tfdeconv.cli.messages import one_line, shown
from tfdeconv.cli.tensorflow_import import import_tensorflow
from tfdeconv.cli.upscaling.network import NetworkChoice
from tfdeconv.cli.upscaling.photograph import Settings, upscale_photograph
from tfdeconv.errors import FileError, InvalidArgumentError, TfdeconvError


class UpscaleWorker:
    """Does one photograph after the other.

    Args:
        settings: What is the same for all.
        choice: The network.
        repeated: Whether a job may come again after a process that did it has died: a result that is there
            is this run's own then.

    Raises:
        TfdeconvError: The network cannot be loaded, or does not reach the scale.
    """

    def __init__(self, settings: Settings, choice: NetworkChoice, *, repeated: bool) -> None:
        logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # the errors say what matters
        import_tensorflow()
        from tfdeconv.zoo.pictures.upscaling import passes

        self._notes: list[str] = []
        self._settings = dataclasses.replace(settings, note=self._note)
        self._repeated = repeated and not settings.overwrite
        scale = settings.size.scale
        self._stack = contextlib.ExitStack()
        self._network = self._stack.enter_context(choice.load(scale))
        if self._network is None and scale is not None:
            passes(scale)
        self._check_tile()

    def _check_tile(self) -> None:
        """Raise where the tile is too small for any photograph; some need more than others."""
        from tfdeconv.zoo.pictures.tile_network import default_network
        from tfdeconv.zoo.pictures.tiling import tiles
        from tfdeconv.zoo.pictures.upscaling import DEFAULT_TILE, passes

        tile, network = self._settings.tile, self._network
        if tile >= DEFAULT_TILE:
            return
        if network is None:
            factors = passes(self._settings.size.scale or 1.1)
            network = default_network(factors[0], quality=self._settings.quality)
        tiles(1, 1, tile=tile, context=network.context, stride=network.stride)

    def close(self) -> None:
        """Close the connection to a server."""
        self._stack.close()

    def __call__(self, job: Job) -> Outcome:
        """Do one photograph.

        Raises:
            TfdeconvError: None can be done.
        """
        if self._repeated and job.target.exists():
            return Outcome(line=f"{shown(job.target)}: done before a process died")
        self._notes.clear()
        outcome = self._do(job)
        return outcome._replace(notes=tuple(self._notes))

    def _do(self, job: Job) -> Outcome:
        try:
            return Outcome(line=upscale_photograph(job, self._settings, self._network))
        except FileError as error:
            names = (job.source, job.target, *([job.comparison] if self._settings.compare else ()))
            return Outcome(failure=one_line(error, names=names), stops=stops_all(error, job))
        except InvalidArgumentError as error:  # a tile too small for what this picture needs, and the like
            return Outcome(failure=one_line(error), about=shown(job.source))
        except TfdeconvError:
            raise  # the same for every file
        except Exception as error:
            if os.environ.get("TFDECONV_TRACEBACK"):
                raise
            reason = one_line(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
            return Outcome(failure=reason, about=shown(job.source), unforeseen=True)

    def _note(self, place: Any, note: str) -> None:
        self._notes.append(f"tfdeconv: note: {shown(place)} {one_line(note)}.")
