"""``tfdeconv evaluate``: PSNR and SSIM of an upscaler beside bicubic interpolation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfdeconv.cli.messages import shown
from tfdeconv.cli.place import PATH
from tfdeconv.cli.tensorflow_import import import_tensorflow
from tfdeconv.errors import InvalidArgumentError

if TYPE_CHECKING:
    from tfdeconv.training.scores import Score


@click.command(
    epilog="""\b
Examples:
  tfdeconv evaluate --data Set5 --scale 2
  tfdeconv evaluate --data Set5 --scale 2 --quality fine
  tfdeconv evaluate --data Set5 --scale 2 --source jpeg --jpeg 40
  tfdeconv evaluate --data Set5 --scale 2 \\
      --weights build/train/slim/x2/weights.npz"""
)
@click.option(
    "--data",
    type=PATH,
    metavar="FOLDER",
    required=True,
    help="Folder of images, or of pairs NAME_hr and NAME_lr; its subfolder xFACTOR (x2) where there is one.",
)
@click.option("--scale", type=click.IntRange(2, 4), metavar="FACTOR", required=True, help="Upscaling factor.")
@click.option(
    "--model",
    "architecture",
    metavar="NAME",
    help="Network to score.  [default: what upscale uses, or what the weights are for]",
)
@click.option(
    "--quality",
    type=click.Choice(["fast", "fine"]),
    default="fast",
    show_default=True,
    help="Of the network that upscale uses.",
)
@click.option(
    "--source",
    type=click.Choice(["clean", "jpeg"]),
    default="clean",
    show_default=True,
    help="Pictures that this network is for.",
)
@click.option(
    "--weights",
    type=PATH,
    metavar="FILE",
    help="Weights file (.npz) of a training run.  [default: the weights that come with tfdeconv]",
)
@click.option(
    "--jpeg",
    type=click.IntRange(1, 100),
    metavar="1-100",
    help="Save the low-resolution pictures as JPEG of this quality (chroma 4:2:0) before they are enlarged.",
)
def command(
    data: Path,
    scale: int,
    architecture: str | None,
    quality: Any,
    source: Any,
    weights: Path | None,
    jpeg: int | None,
) -> None:
    """Score an upscaler on the images of a folder, beside bicubic interpolation.

    Follows the protocol of the papers: luma of BT.601, rounded to 8 bits, FACTOR pixels of border
    left out. Originals without a low-resolution partner are reduced as MATLAB's imresize does it.
    """
    tensorflow = import_tensorflow()
    from tfdeconv.training.scored_pairs import scored_pairs
    from tfdeconv.training.scores import bicubic, mean_score, score

    if (architecture or weights) is not None and (quality, source) != ("fast", "clean"):
        raise InvalidArgumentError(
            "--quality and --source choose among the networks that upscale uses; "
            f"{'--weights' if architecture is None else '--model'} names another one."
        )
    model = _model(scale, architecture, quality, source, weights)
    predict = tensorflow.function(model, reduce_retracing=True)
    contenders = {
        "bicubic": bicubic(scale),
        model.name: lambda low: predict(tensorflow.constant(low[None, :, :, None]))[0, :, :, 0].numpy(),
    }
    rows: list[dict[str, Score]] = []
    for pair in scored_pairs(data, scale, jpeg=jpeg):
        if not rows:
            click.echo(_row("", {name: f"{name:>14}" for name in contenders}))
            click.echo(_row("image", dict.fromkeys(contenders, f"{'PSNR':>6} {'SSIM':>7}")))
        rows.append({name: score(pair, upscale, scale) for name, upscale in contenders.items()})
        click.echo(_row(shown(pair.name), {name: _text(one) for name, one in rows[-1].items()}))
    means = {name: mean_score(row[name] for row in rows) for name in contenders}
    click.echo(_row("mean", {name: _text(one) for name, one in means.items()}))


def _model(scale: int, architecture: str | None, quality: Any, source: Any, weights: Path | None) -> Any:
    from tfdeconv.zoo.upscalers.upscaler_model import DATA, LUMA_NETWORKS, load_upscaler

    if architecture is None:
        return load_upscaler(
            scale, quality=quality, source=source, weights=weights, data_format="channels_last"
        )
    if architecture not in LUMA_NETWORKS:
        raise InvalidArgumentError(
            f"--model must be one of {', '.join(LUMA_NETWORKS)}; received {architecture!r}."
        )
    return LUMA_NETWORKS[architecture](scale, weights=weights or DATA["clean"], data_format="channels_last")


def _text(score: Score) -> str:
    return f"{score.psnr:6.2f} {score.ssim:7.4f}"


def _row(image: str, cells: dict[str, str]) -> str:
    return "  ".join([f"{image:<24.24}", *(f"{cell:>16}" for cell in cells.values())])
