"""PNG: its chunks, what they say, and its pixels."""
