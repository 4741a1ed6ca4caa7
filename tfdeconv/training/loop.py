"""The training loop: averaged weights, checkpoints, and a resume that ends at the same bits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.imaging.image_quality import psnr
from tfdeconv.training.patches import PatchSet
from tfdeconv.training.pipeline import batches
from tfdeconv.training.recipe import Recipe, Stage
from tfdeconv.training.run_record import check_same_run
from tfdeconv.training.soap import SOAP
from tfdeconv.zoo.upscalers.pretrained import named_weights, read_weights, save_weights
from tfdeconv.zoo.upscalers.upscaler_model import LUMA_NETWORKS


def learning_rate(stage: Stage, step: int) -> float:
    """Return the rate of ``step`` (from 0) of ``stage``: a linear rise, half a cosine down.

    Example:
        >>> stage = Stage(steps=101, learning_rate=1.0, warmup=2)
        >>> [round(learning_rate(stage, step), 3) for step in (0, 1, 50, 100)]
        [0.5, 1.0, 0.505, 0.01]
    """
    cosine = 0.5 + 0.5 * math.cos(math.pi * step / max(1, stage.steps - 1))
    falling = stage.end + (1.0 - stage.end) * cosine
    return stage.learning_rate * min(1.0, (step + 1) / max(1, stage.warmup)) * falling


def difference(kind: str, predicted: Any, target: Any) -> Any:
    """Return the loss named ``kind`` of a :class:`~tfdeconv.training.recipe.Stage`."""
    error = predicted - target
    return tf.reduce_mean(tf.abs(error)) if kind == "l1" else 20.0 * tf.reduce_mean(tf.square(error))


def start_from(model: keras.Model, path: Path) -> list[str]:
    """Copy the weights of ``path`` whose name and shape agree, and return the names of those that do not."""
    arrays = read_weights(path)
    left = []
    for name, weight in named_weights(model).items():
        if name in arrays and arrays[name].shape == tuple(weight.shape):
            weight.assign(arrays[name])
        else:
            left.append(name)
    return left


@dataclass(frozen=True)
class Outcome:
    """How a run stands: steps done, and PSNR in dB on the held-out pairs, last and best."""

    step: int
    psnr: float
    best: float


class Trainer:
    """One network on its way through the stages of a recipe.

    Files in ``directory``: ``run.json`` (the settings), ``checkpoints/`` (the last two, from which a new
    Trainer goes on), ``logs/`` (TensorBoard) and ``weights.npz`` (the averaged weights with the best held-out
    PSNR).

    Args:
        recipe: What to train and how.
        scale: Upsampling factor.
        patches: From :func:`~tfdeconv.training.patches.collect_patches`.
        directory: Of this run; made when missing.
        initial: Weights file to start from, or None for random weights.

    It trains under the ``tf.distribute`` strategy in whose scope it is made, of one worker: each replica gets
    an equal part of every batch, so that losses and weights are those of one device but for rounding.

    Raises:
        InvalidArgumentError: The recipe has no such architecture or scale, ``directory`` holds a run with
            another recipe or other photographs, or a batch cannot be cut into equal parts.
    """

    def __init__(
        self, recipe: Recipe, scale: int, patches: PatchSet, directory: Path, *, initial: Path | None = None
    ) -> None:
        if recipe.architecture not in LUMA_NETWORKS:
            raise InvalidArgumentError(
                f"architecture must be one of {', '.join(LUMA_NETWORKS)}; received {recipe.architecture!r}."
            )
        self.plan = recipe.for_scale(scale)
        self.recipe, self.scale, self.patches, self.directory = recipe, scale, patches, directory
        self._strategy = tf.distribute.get_strategy()
        replicas = self._strategy.num_replicas_in_sync
        for stage in self.plan.stages:
            if stage.batch % replicas:
                raise InvalidArgumentError(
                    f"batch must be a multiple of the {replicas} devices, for each to get as much; "
                    f"received {stage.batch}."
                )
        keras.utils.set_random_seed(recipe.seed)
        self.model = LUMA_NETWORKS[recipe.architecture](scale, data_format="channels_last")
        if initial is not None:
            start_from(self.model, initial)
        self.average = keras.models.clone_model(self.model)
        self.average.set_weights(self.model.get_weights())
        self.optimizer = SOAP()
        self.optimizer.build(self.model.trainable_variables)
        self.step = tf.Variable(0, dtype=tf.int64)
        self.best = tf.Variable(-math.inf, dtype=tf.float64)
        checkpoint = tf.train.Checkpoint(
            model=self.model, average=self.average, optimizer=self.optimizer, step=self.step, best=self.best
        )
        self.checkpoints = tf.train.CheckpointManager(
            checkpoint, str(directory / "checkpoints"), max_to_keep=2
        )
        latest = self.checkpoints.latest_checkpoint
        check_same_run(directory, recipe, scale, patches, started=latest is not None)
        if latest:
            checkpoint.restore(latest).assert_consumed()
        self._predict = tf.function(self.average, reduce_retracing=True)
        self._updates: dict[str, Any] = {}

    def run(self, *, until: int | None = None, progress: bool = True) -> Outcome:
        """Train up to the end of the recipe, or to step ``until``, and return how it stands there."""
        last = self.plan.steps if until is None else min(until, self.plan.steps)
        writer = tf.summary.create_file_writer(str(self.directory / "logs"))
        outcome = Outcome(int(self.step.numpy()), self.validate(), float(self.best.numpy()))
        bar = tqdm(
            total=last, initial=int(self.step.numpy()), unit="step", disable=not progress, dynamic_ncols=True
        )
        with writer.as_default(), bar:
            first = 0
            for stage in self.plan.stages:
                while first <= int(self.step.numpy()) < min(last, first + stage.steps):
                    every = self.recipe.validate_every
                    stop = min((int(self.step.numpy()) // every + 1) * every, first + stage.steps, last)
                    loss = self._advance(stage, first, stop, bar)
                    outcome = self._validate_and_save(loss, learning_rate(stage, stop - 1 - first))
                    bar.set_postfix(
                        loss=f"{loss:.5f}", psnr=f"{outcome.psnr:.3f}", best=f"{outcome.best:.3f}"
                    )
                first += stage.steps
        writer.close()
        return outcome

    def validate(self) -> float:
        """Return the mean PSNR in dB of the averaged weights on the held-out pairs."""
        return float(
            np.mean([psnr(high, self._upscale(low), self.scale) for low, high in self.patches.holdout])
        )

    def _upscale(self, low: np.ndarray) -> np.ndarray:
        result: np.ndarray = self._predict(tf.constant(low[None, :, :, None]))[0, :, :, 0].numpy()
        return result

    def _advance(self, stage: Stage, first: int, stop: int, bar: Any) -> float:
        start = int(self.step.numpy())
        total = 0.0
        update = self._update_function(stage.loss)
        for low, high in batches(
            self.patches,
            batch=stage.batch,
            seed=self.recipe.seed,
            first_step=start,
            steps=stop - start,
            collages=stage.collages,
            jpeg_share=stage.jpeg_share,
        ):
            rate = learning_rate(stage, int(self.step.numpy()) - first)
            total += float(update(low, high, tf.constant(rate, tf.float32)))
            bar.update()
        return total / (stop - start)

    def _update_function(self, loss_kind: str) -> Any:
        """Return the compiled step; made once per loss, since tracing takes seconds."""
        if loss_kind not in self._updates:
            weights = self.model.trainable_variables
            averages = self.average.trainable_variables

            replicas = self._strategy.num_replicas_in_sync

            def replica_step(low: Any, high: Any) -> Any:
                with tf.GradientTape() as tape:
                    loss = difference(loss_kind, self.model(low, training=True), high) / replicas
                self.optimizer.apply(tape.gradient(loss, weights))  # sums over the replicas
                return loss

            @tf.function
            def update(low: Any, high: Any, rate: Any) -> Any:
                self.optimizer.learning_rate.assign(rate)
                losses = self._strategy.run(replica_step, args=(self._parts(low), self._parts(high)))
                for average, weight in zip(averages, weights, strict=True):
                    average.assign(average + (1.0 - self.recipe.average) * (weight - average))
                self.step.assign_add(1)
                return self._strategy.reduce("SUM", losses, axis=None)

            self._updates[loss_kind] = update
        return self._updates[loss_kind]

    def _parts(self, batch: Any) -> Any:
        """Return a batch cut into one part for each replica."""
        parts = tf.split(batch, self._strategy.num_replicas_in_sync)
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: parts[context.replica_id_in_sync_group]
        )

    def _validate_and_save(self, loss: float, rate: float) -> Outcome:
        score, step = self.validate(), int(self.step.numpy())
        for name, value in {"loss": loss, "learning_rate": rate, "holdout_psnr": score}.items():
            tf.summary.scalar(name, value, step=step)
        if score > float(self.best.numpy()):
            self.best.assign(score)
            save_weights(self.average, self.directory / "weights.npz")
        self.checkpoints.save(step)
        return Outcome(step, score, float(self.best.numpy()))
