"""TIFF: its directories, and its pixels where Pillow lacks what they need."""
