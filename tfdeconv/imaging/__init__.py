"""Photographs in files: read them without loss, write them without half-written files."""

from tfdeconv.imaging.photograph import Photograph
from tfdeconv.imaging.reading import READ_SUFFIXES, read_photograph
from tfdeconv.imaging.writing import KINDS, SUFFIXES, check_target, write_photograph

__all__ = [
    "KINDS",
    "READ_SUFFIXES",
    "SUFFIXES",
    "Photograph",
    "check_target",
    "read_photograph",
    "write_photograph",
]
