"""JPEG: what stands before and around its pixels."""
