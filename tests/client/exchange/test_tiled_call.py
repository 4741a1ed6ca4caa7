"""How a call through a model with tiles is cut."""

from fractions import Fraction

import numpy as np

from tfdeconv.client.exchange.tiled_call import TiledCall
from tfdeconv.wire.tile_rule import TileRule


def test_inputs_are_cut_in_whatever_order_they_are_given() -> None:
    """The rule's scales are those to its own first input."""
    half = Fraction(1, 2)
    rule = TileRule((2,), (2,), (12,), {"image": (Fraction(1),), "mask": (half,), "y": (Fraction(1),)})
    image, mask = np.arange(40.0).reshape(1, 40, 1), np.arange(20.0).reshape(1, 20, 1)
    for inputs in ({"image": image, "mask": mask}, {"mask": mask, "image": image}):
        call = TiledCall(inputs, rule)
        assert len(call) > 1
        for job, request in zip(call.jobs(), call, strict=True):
            np.testing.assert_array_equal(request["image"][0, ::2, 0] // 2, request["mask"][0, :, 0])
            call.place(job, {"y": request["image"]})
        np.testing.assert_array_equal(call.results["y"], image)
