"""The starter codings: short paragraphs written for this project, coded, so that a first model needs no coder.

``classifiers/codebooks/starter/README.md`` says what they are and what they are not.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, fields
from pathlib import Path

from classifiers.codebook import FOLDER, Codebook, load_codebook

STARTER = FOLDER / "starter"


class StarterError(ValueError):
    """A starter file that can't be used; names file and line."""


@dataclass(frozen=True)
class StarterCoding:
    """One coded paragraph."""

    id: str
    text: str
    before: str
    """the sentence before it, often empty"""
    after: str
    lang: str
    value: str
    """a value of the codebook"""
    tradition: str
    """the world it is set in; the group of cross-validation"""
    genre: str
    hard: str
    """id of the codebook's rule that it exercises, or empty"""
    reviewed: bool
    """false: no native speaker has read it"""

    @property
    def row(self) -> tuple[str, str, str]:
        """(before, text, after), as the classifier takes it."""
        return self.before, self.text, self.after


def _read(file: Path, book: Codebook) -> list[StarterCoding]:
    columns = [f.name for f in fields(StarterCoding)]
    with file.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        if reader.fieldnames != columns:
            raise StarterError(f"{file}:1: the columns must be {','.join(columns)}")
        codings = []
        for row in reader:
            if None in row or None in row.values() or not row["text"]:  # too many cells, too few
                raise StarterError(f"{file}:{reader.line_num}: a column is missing, or the text is empty")
            if row["value"] not in book.names:
                raise StarterError(
                    f"{file}:{reader.line_num}: unknown value {row['value']!r}; write one of {', '.join(book.names)}"
                )
            if row["reviewed"] not in {"yes", "no"}:
                raise StarterError(f"{file}:{reader.line_num}: reviewed is yes or no, not {row['reviewed']!r}")
            codings.append(StarterCoding(**{k: row[k] for k in columns[:-1]}, reviewed=row["reviewed"] == "yes"))
    return codings


def load_starter(folder: Path = STARTER, book: Codebook | None = None) -> list[StarterCoding]:
    """Every starter coding, in the order of file names and lines. Raises :class:`StarterError`."""
    book = book or load_codebook()
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise StarterError(f"{folder}: no starter codings (*.csv) there")
    return [coding for file in files for coding in _read(file, book)]


def starter_digest(folder: Path = STARTER) -> str:
    """Digest of the starter files' bytes, hexadecimal: other codings make another starter model."""
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.csv")):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
