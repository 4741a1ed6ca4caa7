"""A transposed convolution in numbers: operator, overlap, phases, contributions, calls."""
