"""``tfdeconv serve``: the flags of ``tensorflow_model_server`` under their own names."""

from __future__ import annotations

import gc
import logging
import os
import shlex
import signal
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

import click

import tfdeconv
from tfdeconv.cli.tensorflow_import import import_tensorflow
from tfdeconv.errors import CancelledError, InvalidArgumentError, TfdeconvError
from tfdeconv.extras import require
from tfdeconv.serving.addresses import bracketed
from tfdeconv.serving.launch import engine, flags
from tfdeconv.serving.launch.allocator import keep_freed_memory
from tfdeconv.wire import status_codes

if TYPE_CHECKING:
    from tfdeconv.serving.config.options import ServerOptions
    from tfdeconv.serving.server import Server

_FAILED = 255
_HELP = """Serve SavedModels over TensorFlow Serving's gRPC and REST protocols.

The flags are those of tensorflow_model_server; each is shown with its default.
A model is a folder of numbered SavedModel folders, as `tfdeconv export` writes it:

\b
    tfdeconv serve --model_base_path=/models/upscaler \\
                   --model_name=upscaler --rest_api_port=8501

New versions are picked up as they appear. SIGTERM or Ctrl-C finishes the running
requests and ends with exit code 0.
"""


class _FlagCommand(click.Command):
    """Leaves the flags to ``serving.flags`` and prints their table as the help's options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for flag in flags.FLAGS:
            default = flag.default
            shown = str(default).lower() if isinstance(default, bool) else str(default)
            row = (f"--{flag.name}={shown}", flag.help)
            groups.setdefault(flag.group, []).append(row)
        for title, rows in groups.items():
            with formatter.section(title):
                formatter.write_dl(rows, col_max=32)


@click.command(
    cls=_FlagCommand,
    help=_HELP,
    context_settings={"ignore_unknown_options": True, "help_option_names": ["-h", "--help"]},
    options_metavar="[--flag=value]...",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="")
def command(arguments: tuple[str, ...]) -> None:
    """Serve models until SIGTERM or Ctrl-C."""
    try:
        parsed = flags.parse(arguments)
    except InvalidArgumentError as error:
        click.echo(f"{error}\n{flags.usage()}", err=True)
        sys.exit(_FAILED)
    if parsed.unknown:
        click.echo(f"unknown argument: {parsed.unknown[0]}\n{flags.usage()}")
    if parsed.values["version"]:
        click.echo(f"tfdeconv {tfdeconv.__version__}")
        return
    try:
        external = engine.external_command(parsed)
    except InvalidArgumentError as error:
        click.echo(str(error), err=True)
        sys.exit(_FAILED)
    if parsed.values["engine"] == engine.RAY:
        _serve_on_ray(parsed)
    elif parsed.values["dry_run"]:
        click.echo(shlex.join(external or engine.embedded_command(parsed)))
    elif external:
        os.execv(external[0], external)
    else:
        _serve(parsed)


def _set_up_logging() -> None:
    logging.basicConfig(format="%(asctime)s %(levelname).1s %(message)s", level=logging.INFO)
    for noisy in ("tensorflow", "absl", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


def _set_on_signals(stopping: threading.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN or number != signal.SIGHUP:  # nohup
            signal.signal(number, lambda *_: stopping.set())


def _options(parsed: flags.Parsed) -> ServerOptions:
    from tfdeconv.serving.launch import flag_options

    options = flag_options.from_flags(parsed)
    if options.rest_port is None and parsed.values["rest_api_port"]:
        logging.error(
            "server_options.http_port cannot be same as grpc_port. Please use a different port for "
            "HTTP/REST API. Skipped exporting HTTP/REST API."
        )
    return options


def _fail(error: TfdeconvError) -> NoReturn:
    click.echo(f"Failed to start server. Error: {status_codes.with_code(error)}", err=True)
    sys.exit(_FAILED)


def _serve_on_ray(parsed: flags.Parsed) -> None:
    require("ray.serve", extra="cluster", feature="Serving on Ray")
    for module in ("grpc", "grpc_health", "tensorflow_serving.apis", "starlette", "uvicorn", "orjson"):
        require(module, extra="serving", feature="Serving on Ray")
    import_tensorflow()
    from tfdeconv.cluster.serving import launch, serve_config
    from tfdeconv.cluster.serving.application import Scale
    from tfdeconv.cluster.session import session

    _set_up_logging()
    stopping = threading.Event()
    try:
        options, scale = _options(parsed), Scale.of(parsed)
        if parsed.values["dry_run"]:
            click.echo(serve_config.text(parsed), nl=False)
            return
        cpus = max(scale.replicas, scale.max_replicas) * scale.replica_cpus
        with session(str(parsed.values["address"]), cpus=cpus):
            _set_on_signals(stopping)  # Ray has handlers of its own
            deployment = launch.Deployment(options, scale)
            try:
                for address, grpc_port, rest_port in deployment.start(cancel=stopping):
                    host = address if options.host in ("0.0.0.0", "::") else options.host
                    if grpc_port is not None:
                        click.echo(f"Running gRPC ModelServer at {host}:{grpc_port} ...")
                    if rest_port is not None:
                        click.echo(f"Exporting HTTP/REST API at:{host}:{rest_port} ...")
                stopping.wait()
            finally:
                deployment.stop()
    except CancelledError:
        pass  # stopped while it waited for the models
    except TfdeconvError as error:
        _fail(error)


def _serve(parsed: flags.Parsed) -> None:
    keep_freed_memory()
    import_tensorflow()  # only now: the flags were parsed without it
    from tfdeconv.serving import Server

    _set_up_logging()
    stopping = threading.Event()
    _set_on_signals(stopping)
    try:
        server = Server(_options(parsed))
        server.start(cancel=stopping)
        gc.collect()
        gc.freeze()  # the models' objects live as long as the process: collections need not visit them
        _announce(server)
        stopping.wait()
    except CancelledError:
        pass  # stopped while it waited for the models
    except TfdeconvError as error:
        _fail(error)
    if not server.stop(grace=float(parsed.values["drain_seconds"])):
        # Python would wait for the threads that still compute what nobody waits for.
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)


def _announce(server: Server) -> None:
    options = server.options
    if server.grpc_port is not None:
        click.echo(f"Running gRPC ModelServer at {bracketed(options.host)}:{server.grpc_port} ...")
    if options.grpc_socket_path:
        click.echo(f"Running gRPC ModelServer at UNIX socket {options.grpc_socket_path} ...")
    if server.rest_port is not None:
        click.echo(f"Exporting HTTP/REST API at:localhost:{server.rest_port} ...")
