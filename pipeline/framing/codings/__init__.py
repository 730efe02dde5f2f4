"""Codings in and out of files: CSV, Label Studio, doccano and 4CAT, without loss both ways."""

from pipeline.framing.codings.bring_in import import_codings
from pipeline.framing.codings.fields import CodingsFileError, Defaults
from pipeline.framing.codings.formats import FileFormat
from pipeline.framing.codings.take_out import export_codings, export_config, export_queue

__all__ = [
    "CodingsFileError",
    "Defaults",
    "FileFormat",
    "export_codings",
    "export_config",
    "export_queue",
    "import_codings",
]
