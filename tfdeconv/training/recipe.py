"""What a training run is made from: the typed form of ``recipe.toml``."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from tfdeconv.errors import FileError, InvalidArgumentError

T = TypeVar("T")

# How a field is annotated -> what TOML must give, and how to call it.
_KINDS: Mapping[Any, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "a whole number"),
    "int | None": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "str": ((str,), "a text"),
    "bool": ((bool,), "true or false"),
}


def _at_least(least: int, **settings: int) -> None:
    for name, value in settings.items():
        if value < least:
            raise InvalidArgumentError(f"recipe: {name} must be at least {least}; received {value}.")


@dataclass(frozen=True)
class DataRecipe:
    """How photographs become patches.

    Attributes:
        reductions: Each photograph is used once per factor, reduced by it.
        patch: Side of a low-resolution patch, in pixels.
        stride: Distance between neighbouring patches, in high-resolution pixels.
        keep: Fraction of the patches that is kept, most detailed first.
        collages: Pictures of 512x512 pixels that are put together from shapes cut from the photographs, and
            cut into patches as well.
        drawings: Pages of text, line art and maps of the same size, drawn by a program, and cut likewise.
        holdout: Fraction of each photograph's width, on its right, that is kept for validation.
        jpeg_versions: How often each low-resolution image is also kept as JPEG leaves it, each time with
            other settings.
    """

    reductions: tuple[int, ...] = (2, 3, 4)
    patch: int = 32
    stride: int = 32
    keep: float = 0.5
    collages: int = 0
    drawings: int = 0
    holdout: float = 0.15
    jpeg_versions: int = 0

    def __post_init__(self) -> None:
        _at_least(1, patch=self.patch, stride=self.stride)
        _at_least(0, collages=self.collages, drawings=self.drawings, jpeg_versions=self.jpeg_versions)
        if not self.reductions or min(self.reductions) < 1:
            raise _not_reductions(list(self.reductions))
        if not 0.0 < self.holdout < 1.0 or not 0.0 < self.keep <= 1.0:
            raise InvalidArgumentError(
                "recipe: holdout must lie between 0 and 1, and keep above 0 and at most 1; "
                f"received {self.holdout} and {self.keep}."
            )


@dataclass(frozen=True)
class Stage:
    """One descent of the learning rate.

    Attributes:
        steps: Optimizer steps.
        learning_rate: Peak rate; it falls along half a cosine.
        warmup: Steps over which the rate first rises from zero.
        batch: Patches per step.
        loss: ``"l1"`` (mean absolute error) or ``"l2"`` (20 times the mean squared error: of like size).
        collages: Whether patches of collages and drawings are used too, where the recipe's data has any.
        end: Fraction of the peak rate at which the stage ends; 1 keeps the rate where it is.
        jpeg_share: Fraction of the patches drawn as JPEG leaves them, where the recipe's data has any such.
    """

    steps: int
    learning_rate: float
    warmup: int = 100
    batch: int = 16
    loss: Literal["l1", "l2"] = "l1"
    collages: bool = True
    end: float = 0.01
    jpeg_share: float = 0.5

    def __post_init__(self) -> None:
        _at_least(1, steps=self.steps, batch=self.batch)
        _at_least(0, warmup=self.warmup)
        if not 0.0 < self.learning_rate < math.inf:
            raise InvalidArgumentError(
                f"recipe: learning_rate must be above 0; received {self.learning_rate:g}."
            )
        for name, fraction in {"end": self.end, "jpeg_share": self.jpeg_share}.items():
            if not 0.0 <= fraction <= 1.0:
                raise InvalidArgumentError(f"recipe: {name} must lie between 0 and 1; received {fraction:g}.")
        if self.loss not in ("l1", "l2"):
            raise InvalidArgumentError(f"recipe: loss must be 'l1' or 'l2'; received {self.loss!r}.")


@dataclass(frozen=True)
class ScaleRecipe:
    """One scale's run.

    Attributes:
        stages: Run one after the other.
        start_from: Scale whose finished weights for clean pictures this one starts from (layers whose shapes
            agree), or None.
        data: How photographs become patches, where this scale has it differently from the others; or None.
    """

    stages: tuple[Stage, ...]
    start_from: int | None = None
    data: DataRecipe | None = None

    @property
    def steps(self) -> int:
        """Steps of all stages together."""
        return sum(stage.steps for stage in self.stages)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run's result, given the photographs.

    Attributes:
        architecture: Name of the network in :data:`tfdeconv.zoo.upscalers.upscaler_model.LUMA_NETWORKS`.
        scales: One run per scale.
        data: How photographs become patches.
        seed: Of the initial weights and of the order and mirroring of the patches.
        average: Momentum of the exponential moving average of the weights, which is what is kept.
        validate_every: Steps between two validations (and checkpoints).
    """

    architecture: str
    scales: Mapping[int, ScaleRecipe]
    data: DataRecipe = field(default_factory=DataRecipe)
    seed: int = 1
    average: float = 0.999
    validate_every: int = 2000

    def __post_init__(self) -> None:
        _at_least(1, validate_every=self.validate_every)
        if not 0.0 <= self.average < 1.0:
            raise InvalidArgumentError(
                f"recipe: average must be at least 0 and below 1; received {self.average:g}."
            )
        if not self.scales:
            raise InvalidArgumentError("recipe: the top needs at least one [[scales.N.stages]].")

    def for_scale(self, scale: int) -> ScaleRecipe:
        """Return the run of one scale.

        Raises:
            InvalidArgumentError: The recipe has no such scale.
        """
        if scale not in self.scales:
            raise InvalidArgumentError(
                f"scale must be one that the recipe has ({', '.join(map(str, self.scales))}); "
                f"received {scale}."
            )
        return self.scales[scale]

    def data_for(self, scale: int) -> DataRecipe:
        """Return how photographs become patches at one scale."""
        return self.for_scale(scale).data or self.data


def _not_reductions(received: Any) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"recipe: reductions must be a list of whole numbers from 1 on; received {received!r}."
    )


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidArgumentError(f"recipe: {where} must be a table; received {value!r}.")
    return value


def _fields(kind: type[T], value: Any, where: str) -> T:
    table = _table(value, where)
    known = {item.name for item in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(table) - known)
    if unknown:
        raise InvalidArgumentError(
            f"recipe: {where} has no setting {unknown[0]!r}; it takes {', '.join(sorted(known))}."
        )
    for item in dataclasses.fields(kind):  # type: ignore[arg-type]
        if item.name in table and item.type in _KINDS:
            types, name = _KINDS[item.type]
            setting = table[item.name]
            if not isinstance(setting, types) or isinstance(setting, bool) is not (types == (bool,)):
                raise InvalidArgumentError(
                    f"recipe: {where}: {item.name} must be {name}; received {setting!r}."
                )
    try:
        return kind(**table)
    except TypeError as error:
        raise InvalidArgumentError(f"recipe: {where} is incomplete: {error}.") from None


def shipped_recipe(architecture: str, *, source: str = "clean") -> Path:
    """Return the recipe that the shipped weights of ``architecture`` for a kind of pictures were made with.

    Raises:
        InvalidArgumentError: There is none.

    Example:
        >>> shipped_recipe("slim").name, shipped_recipe("slim", source="jpeg").name
        ('slim.toml', 'slim-jpeg.toml')
    """
    folder = Path(__file__).parent / "recipes"
    path = folder / f"{architecture}{'' if source == 'clean' else f'-{source}'}.toml"
    if not path.is_file():
        known = ", ".join(sorted(other.stem for other in folder.glob("*.toml")))
        raise InvalidArgumentError(
            f"no recipe comes with tfdeconv for {architecture!r} and {source!r} pictures; there are {known}. "
            "Write one for --recipe."
        )
    return path


def load_recipe(path: Path) -> Recipe:
    """Read a recipe from a TOML file.

    Args:
        path: A file with the fields of :class:`Recipe` at its top, a table ``[data]`` and one table
            ``[scales.N]`` with ``[[scales.N.stages]]`` per scale; ``[scales.N.data]`` may differ from
            ``[data]``.

    Raises:
        InvalidArgumentError: The file cannot be read, is not TOML, or a setting is unknown or missing.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileError(f"recipe {str(path)!r} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # of the parser, or of the decoder of UTF-8
        raise FileError(f"recipe {str(path)!r} is not TOML: {error}.") from None
    try:
        return parse_recipe(table)
    except InvalidArgumentError as error:
        raise FileError(f"recipe {str(path)!r}: {error}") from None


def parse_recipe(table: Mapping[str, Any]) -> Recipe:
    """Make a recipe from the tables of a TOML file.

    Example:
        >>> stage = {"steps": 10, "learning_rate": 5e-3}
        >>> recipe = parse_recipe({"architecture": "slim", "scales": {"2": {"stages": [stage]}}})
        >>> recipe.scales[2].steps, recipe.data.patch
        (10, 32)

    Raises:
        InvalidArgumentError: A setting is unknown or missing.
    """
    data = _data(table.get("data", {}), "[data]")
    scales = {}
    for name, value in _table(table.get("scales", {}), "[scales]").items():
        if not name.isdecimal():
            raise InvalidArgumentError(f"recipe: a scale must be a number; received {name!r}.")
        where = f"[scales.{name}]"
        entry = _table(value, where)
        stages = entry.get("stages")
        if not isinstance(stages, list) or not stages:
            raise InvalidArgumentError(f"recipe: {where} needs at least one [[scales.{name}.stages]].")
        typed: dict[str, Any] = {"stages": tuple(_fields(Stage, stage, f"{where} stage") for stage in stages)}
        if "data" in entry:
            inside = f"[scales.{name}.data]"
            changed = {**data, **_data(entry["data"], inside)}
            typed["data"] = _fields(DataRecipe, changed, inside)
        scales[int(name)] = _fields(ScaleRecipe, {**entry, **typed}, where)
    whole = {**table, "data": _fields(DataRecipe, data, "[data]"), "scales": scales}
    return _fields(Recipe, whole, "the top")


def _data(value: Any, where: str) -> dict[str, Any]:
    """The settings of a table of data, with a tuple where TOML has a list."""
    table = dict(_table(value, where))
    if "reductions" in table:
        table["reductions"] = _reductions(table["reductions"])
    return table


def _reductions(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(factor) is int for factor in value):
        raise _not_reductions(value)
    return tuple(value)
