"""One run of a recipe: where its files lie, what it starts from, and the training itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfdeconv.errors import FileError, InvalidArgumentError
from tfdeconv.training.recipe import Recipe, load_recipe, shipped_recipe


@dataclass(frozen=True)
class Run:
    """A recipe for one scale, and its folder; made by :meth:`of`.

    Attributes:
        recipe: What to train and how.
        scale: Upsampling factor.
        directory: Where ``weights.npz``, checkpoints and logs go; it is there.
        initial: Weights file to start from, or None for random weights.
    """

    recipe: Recipe
    scale: int
    directory: Path
    initial: Path | None

    @classmethod
    def of(
        cls,
        architecture: str,
        scale: int,
        *,
        output: Path,
        source: Any = "clean",
        recipe: Path | None = None,
        initial: Path | None = None,
    ) -> Run:
        """Return the run of ``output/architecture/xSCALE`` (``architecture-jpeg`` for ``source="jpeg"``).

        Args:
            architecture: Name of the network.
            scale: Upsampling factor.
            output: Folder of all runs.
            source: "clean" or "jpeg", which chooses among the shipped recipes. Defaults to "clean".
            recipe: A recipe of one's own. Defaults to the shipped one.
            initial: Weights to start from. Defaults to what the recipe says: those of another scale's run.

        Raises:
            InvalidArgumentError: The recipe is for another network, or lacks the scale.
            FileError: The weights to start from are missing, or the folder cannot be made. The message
                begins with the argument's name.

        Example:
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     run = Run.of("slim", 2, output=Path(folder))
            ...     run.directory.relative_to(folder).as_posix(), run.initial
            ('slim/x2', None)
        """
        plan = load_recipe(recipe or shipped_recipe(architecture, source=source))
        if plan.architecture != architecture:
            raise InvalidArgumentError(
                f"recipe must be for {architecture!r}; {str(recipe)!r} is for {plan.architecture!r}."
            )
        parent = plan.for_scale(scale).start_from
        if initial is None and parent is not None:
            initial = output / architecture / f"x{parent}" / "weights.npz"
            if not initial.is_file():
                raise FileError(
                    f"initial: the recipe starts scale {scale} from scale {parent}, but {str(initial)!r} is "
                    f"missing. Train scale {parent} first, or name a weights file."
                )
        name = architecture if source == "clean" else f"{architecture}-{source}"
        directory = output / name / f"x{scale}"
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(
                f"output: the folder {str(directory)!r} cannot be made: {error.strerror}."
            ) from None
        return cls(plan, scale, directory, initial)

    @property
    def weights(self) -> Path:
        """The averaged weights with the best held-out PSNR."""
        return self.directory / "weights.npz"

    def patches(self, data: Sequence[Path]) -> Any:
        """Return what the photographs of the folders give; see ``td.training.collect_patches``."""
        from tfdeconv.training.patches import collect_patches

        return collect_patches(list(data), self.recipe.data_for(self.scale), self.scale)

    def train(self, patches: Any, *, until: int | None = None) -> Any:
        """Train, from the last checkpoint on where there is one, and return the outcome.

        Args:
            patches: From :meth:`patches`.
            until: Step to stop at. Defaults to the end of the recipe.
        """
        from tfdeconv.training.loop import Trainer

        return Trainer(self.recipe, self.scale, patches, self.directory, initial=self.initial).run(
            until=until
        )
