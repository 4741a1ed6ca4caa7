"""What several tests of batches share and import by name."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tfdeconv.serving.models.session_model import SessionModel


class Spy(SessionModel):
    """A loaded model that remembers the shapes it ran, and can be held."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.shapes: list[tuple[int, ...]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)

    def run(self, feeds, fetches):
        self.shapes.extend(value.shape for value in feeds.values())
        self.entered.release()
        assert self.gate.wait(60)
        return super().run(feeds, fetches)


def run_all(*calls: Callable[[], object]) -> list[object]:
    """Call all at the same time; return their results, or the exceptions they raised."""
    results: list[object] = [None] * len(calls)

    def run(index):
        try:
            results[index] = calls[index]()
        except Exception as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def ask(model, values, signature="serving_default"):
    """Return a call that runs a signature of one input and one output."""
    spec = model.signatures[signature]
    (feed,) = (tensor.tensor_name for tensor in spec.inputs.values())
    fetches = [tensor.tensor_name for tensor in spec.outputs.values()]
    return lambda: model.run({feed: np.asarray(values, np.float32)}, fetches)[0]
