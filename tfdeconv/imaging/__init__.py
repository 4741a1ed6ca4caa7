"""Photographs in files: read them without loss, write them without half-written files."""

from tfdeconv.imaging.photograph import Photograph
from tfdeconv.imaging.reading import SUFFIXES, read_photograph
from tfdeconv.imaging.writing import check_target, write_photograph

__all__ = ["SUFFIXES", "Photograph", "check_target", "read_photograph", "write_photograph"]
