"""A batched model of the toy."""

from __future__ import annotations

import pytest
from batched_models import Spy

from tfdeconv.serving.config.batching_parameters import BatchingParameters
from tfdeconv.serving.models.batching import BatchedModel


@pytest.fixture
def batched(toy_folder):
    """Make a BatchedModel of the toy (factor 2) with given parameters."""
    made: list[BatchedModel] = []

    def make(**parameters) -> tuple[BatchedModel, Spy]:
        spy = Spy(toy_folder / "1")
        made.append(BatchedModel(spy, BatchingParameters(**parameters)))
        return made[-1], spy

    yield make
    for model in made:
        model.close()
