"""One process's part in ``tfdeconv predict`` over folders: a SavedModel, and each picture through it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfdeconv import version_folders
from tfdeconv.cli import tensor_files
from tfdeconv.cli.bulk.job_list import Job
from tfdeconv.cli.bulk.outcome import Outcome, stops_all
from tfdeconv.cli.messages import one_line, shown
from tfdeconv.cli.tensorflow_import import import_tensorflow
from tfdeconv.client import Signature, TensorSpec
from tfdeconv.errors import FileError, InvalidArgumentError, InvalidRequestError, TfdeconvError
from tfdeconv.imaging import read_photograph, write_photograph
from tfdeconv.wire import dtypes

_IMAGE_BYTES = "serve_image_bytes"


class PredictWorker:
    """Sends one picture after the other through a signature of a SavedModel.

    Args:
        saved_model: Path of a SavedModel, or of a folder of versions, whose newest is taken.
        signature: Its signature; None: ``serve_image_bytes`` if the model has it, else ``serving_default``.
        folders: Output of the signature -> folder of its files; None, alone, for the only output.
        ending: Of the files, ``".png"`` or ``".npy"``.
        repeated: Whether a job may come again after a process that did it has died, and need not be done
            twice.

    Raises:
        TfdeconvError: The model cannot be loaded, or has no such signature or outputs.
    """

    def __init__(
        self,
        saved_model: str,
        signature: str | None,
        folders: Mapping[str | None, Any],
        ending: str,
        *,
        repeated: bool,
    ) -> None:
        import_tensorflow()
        from tfdeconv.serving.models.session_model import SessionModel
        from tfdeconv.serving.repository.servable import Servable

        path = version_folders.saved_model(saved_model)
        if path is None:
            raise FileError(f"{saved_model} holds no SavedModel.")
        model = SessionModel(path)
        self._servable = Servable(path.name, 1, model)
        self._name = signature or (_IMAGE_BYTES if _IMAGE_BYTES in model.signatures else "serving_default")
        found = self._servable.signature(self._name)
        if found is None:
            raise InvalidArgumentError(
                f"--signature {self._name}: the model has {', '.join(sorted(model.signatures))}."
            )
        described = Signature(
            {name: _described(spec) for name, spec in found.inputs.items()},
            {name: _described(spec) for name, spec in found.outputs.items()},
        )
        if len(described.inputs) != 1:
            raise InvalidArgumentError(f"Signature {self._name!r} is {described}; it must take one picture.")
        ((self._input, self._spec),) = described.inputs.items()
        self._folders = _named(folders, described, self._name)
        self._ending = ending
        self._repeated = repeated

    def __call__(self, job: Job) -> Outcome:
        """Send one picture through the model."""
        if self._repeated and job.target.exists():
            return Outcome(line=f"{shown(job.target)}: done before a process died")
        try:
            return Outcome(line=self._do(job))
        except (InvalidArgumentError, InvalidRequestError) as error:
            text = one_line(error, names=(job.source, job.target)).removeprefix("--input ")
            about = "" if str(job.source) in text or str(job.target) in text else shown(job.source)
            return Outcome(failure=text, about=about, stops=stops_all(error, job.target))
        except TfdeconvError as error:
            return Outcome(failure=one_line(error), about=shown(job.source))
        except Exception as error:
            reason = one_line(f"{type(error).__name__}: {error}")
            return Outcome(failure=reason, about=shown(job.source), unforeseen=True)

    def _do(self, job: Job) -> str:
        from tfdeconv.serving.plane import signature_runs

        _, results = signature_runs.predict(
            self._servable, self._name, {self._input: _read(job.source, self._spec)}, list(self._folders)
        )
        first, *others = self._folders.items()
        inside = job.target.relative_to(first[1])
        for name, folder in others:  # the target comes last: it is there when all are
            self._write(folder / inside, results[name], name)
        return self._write(job.target, results[first[0]], first[0])

    def _write(self, path: Any, array: Any, name: str) -> str:
        if isinstance(path, Path):
            path.parent.mkdir(parents=True, exist_ok=True)
        return tensor_files.write(path, array, name)


def _described(spec: Any) -> TensorSpec:
    shape = None if spec.shape is None else tuple(None if size < 0 else size for size in spec.shape)
    return TensorSpec(dtypes.name_of(spec.dtype), shape)


def _named(folders: Mapping[str | None, Any], signature: Signature, name: str) -> dict[str, Any]:
    gives = f"Signature {name!r} is {signature}"
    if None in folders:
        if len(signature.outputs) != 1:
            raise InvalidArgumentError(f"{gives}; name the folders, as in --output NAME=FOLDER.")
        return {next(iter(signature.outputs)): folders[None]}
    for key, folder in folders.items():
        if key not in signature.outputs:
            raise InvalidArgumentError(f"--output {key}={folder}: there is no output {key!r}. {gives}.")
    return {str(key): folder for key, folder in folders.items()}


def _read(path: Any, spec: TensorSpec) -> Any:
    """A file as the input takes it; pictures that TensorFlow would not decode upright go as PNG."""
    if spec.dtype != "string" or tensor_files.can_be_sent_encoded(path):
        return tensor_files.read(path, spec)
    buffer = io.BytesIO()
    write_photograph(read_photograph(path), buffer, kind="PNG")
    return tensor_files.element(buffer.getvalue(), spec)
