"""One process's part in ``tfdeconv predict`` over folders: a SavedModel, and each picture through it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from tfdeconv import version_folders
from tfdeconv.cli import tensor_files
from tfdeconv.cli.bulk.job_list import Job
from tfdeconv.cli.bulk.outcome import Outcome, stops_all
from tfdeconv.cli.messages import one_line, shown
from tfdeconv.cli.tensorflow_import import import_tensorflow
from tfdeconv.client import Signature, TensorSpec
from tfdeconv.client.values.inputs import bind
from tfdeconv.errors import FileError, InvalidArgumentError, InvalidRequestError, TfdeconvError
from tfdeconv.imaging import read_photograph, write_photograph
from tfdeconv.imaging.storage import make_folder
from tfdeconv.wire import dtypes

_IMAGE_BYTES = "serve_image_bytes"
_PNG = b"\x89PNG"


class PredictWorker:
    """Sends one picture after the other through a signature of a SavedModel.

    Args:
        saved_model: Path of a SavedModel, or of a folder of versions, whose newest is taken.
        signature: Its signature; None: ``serve_image_bytes`` if the model has it, else ``serving_default``.
        input_name: What the input must be called; None: as it is.
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
        input_name: str | None,
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
            has = ", ".join(sorted(name for name in model.signatures if not name.startswith("__saved_model")))
            raise InvalidArgumentError(f"--signature {self._name}: the model has {has or 'none'}.")
        self._signature = Signature(
            {name: _described(spec) for name, spec in found.inputs.items()},
            {name: _described(spec) for name, spec in found.outputs.items()},
        )
        self._input = _picture_input(self._signature, self._name, input_name)
        self._spec = self._signature.inputs[self._input]
        self._folders = _named(folders, self._signature, self._name)
        for name in self._folders:
            _check_output(name, self._signature.outputs[name], self._spec, ending)
        self._ending = ending
        self._repeated = repeated
        self._doubted: set[str] = set()

    def __call__(self, job: Job) -> Outcome:
        """Send one picture through the model."""
        if self._repeated and job.target.exists():
            return Outcome(line=f"{shown(job.target)}: done before a process died")
        try:
            return self._do(job)
        except (InvalidArgumentError, InvalidRequestError) as error:
            text = one_line(error, names=(job.source, job.target)).removeprefix("--input ")
            about = "" if str(job.source) in text or str(job.target) in text else shown(job.source)
            return Outcome(failure=text, about=about, stops=stops_all(error, job))
        except TfdeconvError as error:
            return Outcome(failure=one_line(error), about=shown(job.source))
        except Exception as error:
            reason = one_line(f"{type(error).__name__}: {error}")
            return Outcome(failure=reason, about=shown(job.source), unforeseen=True)

    def _do(self, job: Job) -> Outcome:
        from tfdeconv.serving.plane import signature_runs

        inputs = bind({self._input: _read(job.source, self._spec)}, self._name, self._signature)
        _, results = signature_runs.predict(self._servable, self._name, inputs, list(self._folders))
        notes = []
        for name in self._folders:
            if self._ending == ".png":
                _check_kept(results[name], name)
            notes += self._doubts(job, results[name], name)
        first, *others = self._folders.items()
        inside = str(job.target.relative_to(first[1]))
        for name, folder in others:  # the target comes last: it is there when all are
            self._write(folder / inside, results[name], name)
        return Outcome(line=self._write(job.target, results[first[0]], first[0]), notes=tuple(notes))

    def _doubts(self, job: Job, array: Any, name: str) -> list[str]:
        """What makes one wonder about an output as a picture, once: the other pictures are like this one."""
        found = None
        if name not in self._doubted and array.dtype.kind not in "biuO":  # classes are dark on purpose
            found = tensor_files.doubt(self._folders[name] / job.target.name, array, name)
        if found is None:
            return []
        self._doubted.add(name)
        return [f"hint: {one_line(found)}"]

    def _write(self, path: Any, array: Any, name: str) -> str:
        make_folder(path.parent)
        return tensor_files.write(path, array, name, batch=tensor_files.has_batch(self._spec))


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


def _picture_input(signature: Signature, name: str, wanted: str | None) -> str:
    """The input of a signature that takes a picture, and nothing else."""
    required = [key for key, spec in signature.inputs.items() if not spec.optional]
    is_one = len(required) == 1 and tensor_files.takes_pictures(signature.inputs[required[0]])
    if not is_one:
        raise InvalidArgumentError(f"Signature {name!r} is {signature}; it must take one picture.")
    if wanted not in (None, required[0]):
        raise InvalidArgumentError(f"--input {wanted}=: signature {name!r} takes {required[0]!r}.")
    return required[0]


def _check_output(name: str, spec: TensorSpec, taken: TensorSpec, ending: str) -> None:
    """Raise where no value of an output can be written, before any is computed."""
    told = f"Output {name!r} is {spec}"
    if ending == ".npy":
        if spec.dtype == "string":
            raise InvalidArgumentError(f"{told}, which a .npy file cannot hold; write it with --format png.")
        return
    if spec.dtype == "string" or spec.shape is None:
        return
    one = spec.shape[1:] if tensor_files.has_batch(taken) else spec.shape
    is_picture = len(one) == 2 or (len(one) == 3 and one[-1] in (None, 1, 3))
    if tensor_files.has_batch(taken) is not None and not is_picture:
        raise InvalidArgumentError(f"{told}, which is no picture; write it with --format npy.")


def _check_kept(array: Any, name: str) -> None:
    """Raise where a PNG would hold something else than the output says."""
    if array.dtype == object:
        if not all(one.startswith(_PNG) for one in array.reshape(-1)):
            raise InvalidArgumentError(f"Output {name!r} holds bytes that are no PNG.")
    elif array.dtype.kind in "iu" and array.size and (array.min() < 0 or array.max() > 255):
        raise InvalidArgumentError(
            f"Output {name!r} has values from {array.min()} to {array.max()}, and a PNG holds 0 to 255; "
            "write it with --format npy."
        )


def _read(path: Any, spec: TensorSpec) -> Any:
    """A file as the input takes it; pictures that TensorFlow would not decode upright go as PNG."""
    if spec.dtype != "string":
        array = tensor_files.read(path, spec)
        sizes = array.shape if spec.shape is None else spec.shape
        if any(wanted not in (None, size) for wanted, size in zip(sizes, array.shape, strict=True)):
            height, width = array.shape[-3:-1]
            raise InvalidArgumentError(f"{path} is {width}x{height}, and the model takes {spec}.")
        return array
    if tensor_files.can_be_sent_encoded(path):
        return tensor_files.read(path, spec)
    buffer = io.BytesIO()
    write_photograph(read_photograph(path), buffer, kind="PNG")
    return tensor_files.element(buffer.getvalue(), spec)
