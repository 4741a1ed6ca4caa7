"""PyTorch with a thread for each core; None where it is not installed."""

from __future__ import annotations

import os

try:
    import torch
except ImportError:
    torch = None
else:
    torch.set_num_threads(os.cpu_count() or 1)
