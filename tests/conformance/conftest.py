"""XLA compiles the conformance cases once and runs them once: quick compilation is what counts."""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
