"""What a process keeps after a large answer, as the operator's guide says."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
import numpy as np
import tensorflow as tf
from pathlib import Path
from tfdeconv.serving.models.session_model import SessionModel

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

@tf.function(input_signature=[tf.TensorSpec([None], tf.int32, name="x")])
def fill(x):
    return {"y": tf.fill([x[0], 1 << 20], 1.0)}

tf.saved_model.save(tf.Module(), sys.argv[1], fill)
model = SessionModel(Path(sys.argv[1]))
signature = model.signatures["serving_default"]
feed, fetch = signature.inputs["x"].tensor_name, signature.outputs["y"].tensor_name
model.run({feed: np.int32([1])}, [fetch])
before = resident()
size = model.run({feed: np.int32([32])}, [fetch])[0].nbytes  # 128 MiB
print((resident() - before) / size)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is resident")
def test_the_system_allocator_gives_large_answers_back(tmp_path):
    """With the variable of the operator's guide nothing of 128 MiB stays."""
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env={**os.environ, "TF_ONEDNN_USE_SYSTEM_ALLOCATOR": "1", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=True,
        timeout=250,
    )
    assert float(result.stdout.split()[-1]) < 0.1
