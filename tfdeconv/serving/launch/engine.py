"""Start TensorFlow Serving itself with the same flags: as a program, or as a container."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tfdeconv.errors import InvalidArgumentError, TfdeconvError
from tfdeconv.serving.launch import flags
from tfdeconv.serving.launch.flags import Parsed

PROGRAM = "tensorflow_model_server"
IMAGE = "tensorflow/serving:2.19.1"
EMBEDDED, EXTERNAL, AUTO, RAY = "embedded", "tensorflow-serving", "auto", "ray"
_FILES = (
    "model_config_file",
    "batching_parameters_file",
    "monitoring_config_file",
    "ssl_config_file",
    "platform_config_file",
    "tensorflow_session_config_file",
    "thread_pool_factory_config_file",
)
Which = Callable[[str], str | None]


def external_command(parsed: Parsed, *, which: Which = shutil.which) -> list[str] | None:
    """Return the command that starts TensorFlow Serving, or None for a server of this package.

    Args:
        parsed: The command line; its ``engine`` decides.
        which: Finds a program on PATH. Defaults to ``shutil.which``.

    Raises:
        InvalidArgumentError: An unknown engine.
        TfdeconvError: ``tensorflow-serving`` is wanted and neither it nor Docker is there.

    Example:
        >>> parsed = flags.parse(["--engine=auto", "--port=9000"])
        >>> external_command(parsed, which={"tensorflow_model_server": "/bin/server"}.get)
        ['/bin/server', '--port=9000']
        >>> external_command(parsed, which=lambda program: None) is None
        True
    """
    engine = parsed.values["engine"]
    if engine not in (EMBEDDED, EXTERNAL, AUTO, RAY):
        raise InvalidArgumentError(
            f"--engine must be {EMBEDDED}, {EXTERNAL}, {AUTO} or {RAY}; received {engine!r}."
        )
    if engine in (EMBEDDED, RAY):
        return None
    program = which(PROGRAM)
    if program:
        return [program, *_flags(parsed)]
    docker = which("docker")
    if docker:
        return _container(docker, parsed, gpu=bool(which("nvidia-smi")))
    if engine == AUTO:
        return None
    raise TfdeconvError(
        f"--engine={EXTERNAL} needs {PROGRAM} or docker on PATH; neither is there. "
        f"Use --engine={EMBEDDED} to serve without them."
    )


def embedded_command(parsed: Parsed) -> list[str]:
    """Return the command line of the embedded server, flags as they were given."""
    own = [name for name in sorted(parsed.given) if name in flags.OWN_FLAGS and name != "dry_run"]
    return ["tfdeconv", "serve", *_flags(parsed), *(_flag(parsed, name) for name in own)]


def _flags(parsed: Parsed) -> list[str]:
    return [_flag(parsed, name) for name in sorted(parsed.given - flags.OWN_FLAGS)]


def _flag(parsed: Parsed, name: str) -> str:
    value = parsed.values[name]
    return f"--{name}={str(value).lower() if isinstance(value, bool) else value}"


def _container(docker: str, parsed: Parsed, *, gpu: bool) -> list[str]:
    """The container sees the same paths and ports as this machine."""
    values = parsed.values
    command = [docker, "run", "--rm", "--init"]
    if gpu:
        command += ["--gpus", "all"]
    for port in ("port", "rest_api_port"):
        if values[port]:
            command += ["--publish", f"{values[port]}:{values[port]}"]
    mounts = {str(values["model_base_path"])} | {str(values[name]) for name in _FILES}
    mounts |= _base_paths(str(values["model_config_file"]))
    if values["grpc_socket_path"]:
        folder = str(Path(str(values["grpc_socket_path"])).parent)
        command += ["--volume", f"{folder}:{folder}"]
    for path in sorted(path for path in mounts if path and "://" not in path):
        command += ["--volume", f"{path}:{path}:ro"]
    image = f"{IMAGE}-gpu" if gpu else IMAGE
    return [*command, "--entrypoint", PROGRAM, image, *_flags(parsed)]


def _base_paths(config_file: str) -> set[str]:
    if not config_file:
        return set()
    from tfdeconv.serving.config import operator_protos  # only containers need it

    message = operator_protos.read(operator_protos.ModelServerConfig, config_file, option="model_config_file")
    return {config.base_path for config in message.model_config_list.config}
