"""The raw archive: every response a document was made of (or should have been), byte for byte, in WARC files."""

from pipeline.collect.archive.packing import read_brotli
from pipeline.collect.archive.reading import Stored, read
from pipeline.collect.archive.shelf import ArchiveError, Shelf, shelf_of
from pipeline.collect.archive.writing import Archive, Position

__all__ = ["Archive", "ArchiveError", "Position", "Shelf", "Stored", "read", "shelf_of"]

read_brotli()
