"""PNG: its chunks, and its pixels where they have 16 bits a sample."""
