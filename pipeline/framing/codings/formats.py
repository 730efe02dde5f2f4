"""The formats there are, and which of them a file has."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TextIO, cast

from pipeline.framing.codings import csv_file, doccano, fourcat, labelstudio
from pipeline.framing.codings.fields import CodingsFileError, Defaults, Found
from pipeline.store.codings import Stored, Task


class FileFormat(StrEnum):
    CSV = "csv"
    LABELSTUDIO = "labelstudio"
    DOCCANO = "doccano"
    FOURCAT = "4cat"


class Module(Protocol):
    """What the module of a format can do."""

    def read(self, file: Path, defaults: Defaults) -> Iterator[Found]: ...
    def write(self, out: TextIO, codings: Iterable[Stored], with_texts: bool) -> int: ...
    def write_tasks(self, out: TextIO, tasks: Iterable[Task], variable: str) -> int: ...


_MODULES = {
    FileFormat.CSV: csv_file,
    FileFormat.LABELSTUDIO: labelstudio,
    FileFormat.DOCCANO: doccano,
    FileFormat.FOURCAT: fourcat,
}
_HEAD = 65_536
"""bytes by which a format is recognised"""


def module_of(form: FileFormat) -> Module:
    """The module that reads and writes a format."""
    return cast(Module, _MODULES[form])


def recognise(file: Path) -> FileFormat:
    """The format of a file by its content. Raises CodingsFileError for what can't be read as text at all."""
    try:
        with file.open("rb") as handle:
            head = handle.read(_HEAD)
    except FileNotFoundError:
        raise CodingsFileError(f"{file}: there is no such file") from None
    except IsADirectoryError:
        raise CodingsFileError(f"{file} is a folder; name a file in it") from None
    except OSError as error:
        raise CodingsFileError(f"{file} can't be read: {error.strerror or error}") from None
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise CodingsFileError(f"{file.name} is UTF-16; save it as UTF-8")
    if head[:4] == b"PK\x03\x04":
        raise CodingsFileError(f"{file.name} is a ZIP or a spreadsheet; take the files out, or save it as CSV in UTF-8")
    text = head.decode("utf-8-sig", errors="replace").lstrip()
    if text.startswith("["):
        return FileFormat.LABELSTUDIO
    if text.startswith("{"):
        return FileFormat.DOCCANO
    try:
        header = {column.strip() for column in next(csv.reader([text.partition("\n")[0]]), [])}
    except csv.Error:
        header = set()
    return FileFormat.FOURCAT if {"item_id", "label", "value"} <= header else FileFormat.CSV
