"""``tfdeconv explain``: one transposed convolution in words, numbers, pictures and animations."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from tfdeconv.cli.messages import shown
from tfdeconv.cli.place import PATH
from tfdeconv.cli.tensorflow_import import import_tensorflow
from tfdeconv.errors import FileError, InvalidArgumentError
from tfdeconv.imaging.formats.atomic_file import draft_of
from tfdeconv.web.serve_pages import serve_pages

LARGEST = 10_000_000
"""Products (inputs times taps) and output samples up to which a configuration is computed."""


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  tfdeconv explain --input 2 --kernel 3 --stride 2 --padding same
  tfdeconv explain --torch --kernel 3 --padding 1 --output-padding 1 \\
      --figure layout.png
  tfdeconv explain --dims 1 --input 5 --kernel 4 --weights bilinear \\
      --animate stamps.gif
  tfdeconv explain --serve""",
)
@click.option("--input", "input_size", default="2", show_default=True, metavar="SIZES", help="Input samples.")
@click.option("--kernel", default="3", show_default=True, metavar="SIZES", help="Taps of the kernel.")
@click.option("--stride", default="2", show_default=True, metavar="SIZES", help="Upsampling factor.")
@click.option("--dilation", default="1", show_default=True, metavar="SIZES", help="Spacing of the taps.")
@click.option(
    "--padding",
    metavar="PADDING",
    help="same, valid, samples cropped from both ends (1, or 1x2 for two axes), or before,after. With "
    "--onnx also same_upper and same_lower.  [default: same; 0 with --torch, --caffe and --onnx]",
)
@click.option("--output-padding", metavar="SIZES", help="Extra samples at the end.")
@click.option("--output-shape", metavar="SIZES", help="Output samples, instead of --output-padding.")
@click.option(
    "--dims",
    type=click.IntRange(1, 3),
    metavar="N",
    help="Axes, where every size is one number.  [default: 2]",
)
@click.option("--keras", "convention", flag_value="keras", default="keras", help="Keras's meaning (default).")
@click.option("--torch", "convention", flag_value="torch", help="PyTorch's meaning: samples only.")
@click.option(
    "--caffe", "convention", flag_value="caffe", help="Caffe's meaning: samples, no output padding."
)
@click.option("--onnx", "convention", flag_value="onnx", help="ONNX's meaning.")
@click.option(
    "--filters", type=click.IntRange(1), metavar="N", default=1, show_default=True, help="Output channels."
)
@click.option(
    "--channels", type=click.IntRange(1), metavar="N", default=1, show_default=True, help="Input channels."
)
@click.option(
    "--groups", type=click.IntRange(1), metavar="N", default=1, show_default=True, help="Groups of channels."
)
@click.option("--values", metavar="NUMBERS", help="Input, row by row: 1,2,3,4.  [default: 1, 2, 3, ...]")
@click.option(
    "--weights", metavar="NUMBERS", default="ones", show_default=True, help="ones, bilinear, or taps."
)
@click.option("--figure", type=PATH, metavar="FILE", help="Draw the layout: .png, .svg or .pdf.")
@click.option("--animate", type=PATH, metavar="FILE", help="Animate it: .gif, .html or .mp4.")
@click.option("--serve", is_flag=True, help="Show it in the browser instead, with controls.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=0,
    help="With --serve: port of the page.  [default: any free one]",
)
@click.option(
    "--fps",
    type=click.IntRange(1, 30),
    metavar="N",
    default=2,
    show_default=True,
    help="With --animate: frames per second.",
)
def command(**options: Any) -> None:
    """Explain a transposed convolution ("deconvolution") step by step.

    Prints sizes, stamps, four equal views, the matrix, the same call in every framework, the cost
    and the checkerboard. SIZES are one number for all axes, or one for each: 3 or 3x4.
    """
    if options["serve"]:
        serve_pages(port=options["port"], home="/explorer/", fragment=_fragment(options))
        return
    import_tensorflow()
    import numpy as np

    from tfdeconv import analysis, geometry

    rank = _rank(options)
    config = _configuration(options, rank)
    count = math.prod(config.input_size)
    _check_work(config)
    x = (
        np.arange(1.0, count + 1)
        if options["values"] is None
        else _numbers("values", options["values"], count)
    )
    x = np.reshape(x, config.input_size)
    if options["weights"] == "ones":
        kernel = np.ones(config.kernel_size)
    elif options["weights"] == "bilinear":
        kernel = np.ones(())
        for size in config.kernel_size:
            kernel = np.multiply.outer(kernel, geometry.linear_kernel(size))
    else:
        kernel = np.reshape(
            _numbers("weights", options["weights"], math.prod(config.kernel_size)), config.kernel_size
        )
    channels = {name: options[name] for name in ("filters", "channels", "groups")}
    if channels["filters"] % channels["groups"] or channels["channels"] % channels["groups"]:
        raise InvalidArgumentError(
            f"--groups must divide --filters and --channels; received {channels['groups']}, "
            f"{channels['filters']} and {channels['channels']}."
        )
    click.echo(analysis.explain(config, x, kernel, **channels))
    if options["figure"] is not None:
        figure = analysis.figures.layout(config, x, kernel)
        _write("figure", options["figure"], lambda path: analysis.figures.save(figure, path))
    if options["animate"] is not None:
        fps = options["fps"]
        _write(
            "animate",
            options["animate"],
            lambda path: analysis.figures.animate(config, path, x, kernel, frames_per_second=fps),
        )


def _write(name: str, path: Path, draw: Callable[[Path], object]) -> None:
    """Let a picture appear whole or not at all, and say so."""
    if not path.parent.is_dir():
        raise FileError(f"--{name} {path}: there is no folder {path.parent}.")
    with draft_of(path, overwrite=True) as draft:
        try:
            draw(draft)
        except InvalidArgumentError as error:
            message = str(error).replace(repr(str(draft)), repr(str(path)))
            raise InvalidArgumentError(re.sub(r"^path\b", f"--{name}", message)) from None
    click.echo(f"\nwrote {shown(path)}")


def _fragment(options: dict[str, Any]) -> str:
    """The options as the explorer's address holds them; it checks them itself."""
    rank = _rank(options)
    if rank > 2:
        raise InvalidArgumentError(
            f"--serve draws 1 or 2 axes; received {rank}. Leave it out for the printed explanation."
        )
    unused = [name for name in ("figure", "animate") if options[name] is not None]
    unused += [name for name in ("filters", "channels", "groups") if options[name] != 1]
    if unused:
        raise InvalidArgumentError(f"--serve goes without --{' and --'.join(unused)}: leave one of them out.")
    state = {
        "dims": rank,
        "words": options["convention"],
        "input": options["input_size"],
        **{name: options[name] for name in ("kernel", "stride", "dilation", "padding")},
        **{name: options[name] for name in ("output_padding", "output_shape", "values", "weights")},
    }
    return urlencode({name: value for name, value in state.items() if value is not None}, safe=",")


def _rank(options: dict[str, Any]) -> int:
    """The number of axes, from the sizes that name several, or --dims."""
    named = {
        name: len(options[name].split("x"))
        for name in (
            "input_size",
            "kernel",
            "stride",
            "dilation",
            "padding",
            "output_padding",
            "output_shape",
        )
        if options[name] and "x" in options[name]
    }
    if options["dims"] is not None:
        named["dims"] = options["dims"]
    if len(set(named.values())) > 1:
        given = ", ".join(f"--{_option(name)}" for name in named)
        raise InvalidArgumentError(f"{given} must name equally many axes; received {list(named.values())}.")
    rank = next(iter(named.values()), 2)
    if rank > 3:
        raise InvalidArgumentError(f"--{_option(next(iter(named)))} must name 1 to 3 axes; received {rank}.")
    return rank


def _option(name: str) -> str:
    return name.removesuffix("_size").replace("_", "-")


def _check_work(config: Any) -> None:
    """Refuse what would take gigabytes."""
    products = math.prod((*config.input_size, *config.kernel_size))
    work = max(products, math.prod(config.full_size), math.prod(config.output_size))
    if work > LARGEST:
        raise InvalidArgumentError(
            f"this configuration is too large to compute: products (inputs times taps) and output samples "
            f"must be at most {LARGEST:,} each; received {work:,}. Use smaller sizes: the pattern repeats."
        )


def _configuration(options: dict[str, Any], rank: int) -> Any:
    """The configuration in the convention that the user chose."""
    from tfdeconv import analysis

    convention = options["convention"]
    padding = options["padding"] or ("same" if convention == "keras" else "0")
    sizes = {
        name: _sizes(name, options[name], rank)
        for name in ("input_size", "kernel", "stride", "dilation", "output_padding", "output_shape")
    }
    for name in ("output_padding", "output_shape") if convention == "caffe" else ():
        if sizes[name] is not None:
            raise InvalidArgumentError(f"--{_option(name)} must be left out with --caffe, which has none.")
    named = padding.lower()
    if convention in ("torch", "caffe") and "," in padding:
        attribute = "padding" if convention == "torch" else "pad"
        raise InvalidArgumentError(
            f"--padding must be one number for each axis with --{convention}, whose {attribute} crops both "
            f"ends alike; received {padding!r}. Drop --{convention} for before,after."
        )
    if convention == "onnx":
        return _onnx(sizes, named, rank)
    if convention != "keras" and named in ("same", "valid"):
        raise InvalidArgumentError(
            f"--padding must be samples with --{convention}, which has no {named!r}; drop --{convention}."
        )
    return analysis.configuration(
        sizes["input_size"] or (),
        sizes["kernel"] or (),
        strides=sizes["stride"] or 1,
        padding=named if named in ("same", "valid") else _paddings(padding, rank),
        output_padding=sizes["output_padding"],
        output_shape=sizes["output_shape"],
        dilation_rate=sizes["dilation"] or 1,
    )


def _onnx(sizes: dict[str, tuple[int, ...] | None], padding: str, rank: int) -> Any:
    from tfdeconv import analysis, geometry

    auto_pads = {
        "same_upper": "SAME_UPPER",
        "same_lower": "SAME_LOWER",
        "same": "SAME_UPPER",
        "valid": "VALID",
    }
    pads = [(0, 0)] * rank if padding in auto_pads else [_pair(pad) for pad in _paddings(padding, rank)]
    input_size = sizes["input_size"] or ()
    found = geometry.ConvTransposeGeometry.of_onnx(
        sizes["kernel"] or (),
        strides=sizes["stride"] or (),
        dilation_rate=sizes["dilation"] or (),
        pads=pads,
        output_padding=sizes["output_padding"] or (0,) * rank,
        auto_pad=auto_pads.get(padding, "NOTSET"),  # type: ignore[arg-type]
        input_sizes=input_size,
        output_shape=sizes["output_shape"],
    )
    return analysis.Configuration(found, input_size)


def _sizes(name: str, text: str | None, rank: int) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        numbers = tuple(int(part) for part in text.split("x"))
    except ValueError:
        raise InvalidArgumentError(
            f"--{_option(name)} must be a number, or one for each axis such as 3x4; received {text!r}."
        ) from None
    return numbers * rank if len(numbers) == 1 else numbers


def _paddings(text: str, rank: int) -> list[int | tuple[int, int]]:
    try:
        entries = [[int(number) for number in part.split(",")] for part in text.split("x")]
        if any(len(entry) > 2 for entry in entries):
            raise ValueError
    except ValueError:
        raise InvalidArgumentError(
            f"--padding must be same, valid, samples such as 1 or 1x2, or before,after such as 1,0; "
            f"received {text!r}."
        ) from None
    paddings: list[int | tuple[int, int]] = [
        entry[0] if len(entry) == 1 else (entry[0], entry[1]) for entry in entries
    ]
    return paddings * rank if len(paddings) == 1 else paddings


def _pair(padding: int | tuple[int, int]) -> tuple[int, int]:
    return padding if isinstance(padding, tuple) else (padding, padding)


def _numbers(name: str, text: str, count: int) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise InvalidArgumentError(
            f"--{name} must be {count} numbers separated by commas; received {text!r}."
        )
    return numbers
