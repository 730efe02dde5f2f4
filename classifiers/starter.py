"""The starter codings: short paragraphs written for this project, coded, so that a first model needs no coder.

``classifiers/codebooks/starter/<variable>/README.md`` says what they are and what they are not.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

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
    target: str = ""
    """of a targeted codebook: id of the group it is coded towards, one of :func:`starter_groups`; else empty"""

    @property
    def row(self) -> tuple[str, str, str]:
        """(before, text, after), as the classifier takes it."""
        return self.before, self.text, self.after


COLUMNS = ("id", "text", "before", "after", "lang", "value", "tradition", "genre", "hard", "reviewed")
"""of every file; those of a targeted codebook have ``target`` besides"""


def _read(file: Path, book: Codebook) -> list[StarterCoding]:
    columns = [*COLUMNS, "target"] if book.targeted else list(COLUMNS)
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
            codings.append(StarterCoding(**row | {"reviewed": row["reviewed"] == "yes"}))
    return codings


def load_starter(book: Codebook | None = None, folder: Path | None = None) -> list[StarterCoding]:
    """Every starter coding of a codebook (framing's), by file names and lines. Raises :class:`StarterError`."""
    book = book or load_codebook()
    folder = folder or STARTER / book.variable
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise StarterError(f"{folder}: no starter codings (*.csv) there")
    return [coding for file in files for coding in _read(file, book)]


def has_starter(book: Codebook) -> bool:
    """Whether there are starter codings of a codebook."""
    return any((STARTER / book.variable).glob("*.csv"))


def starter_groups(book: Codebook) -> dict[str, list[str]]:
    """Id -> names and aliases, in every language, of the invented groups that a targeted codebook's starter codings
    speak of; from ``groups.yaml`` beside them. Empty for an untargeted codebook. Raises :class:`StarterError`."""
    if not book.targeted:
        return {}
    file = STARTER / book.variable / "groups.yaml"
    try:
        tree = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        return {
            group["id"]: [group["name"], *(alias for aliases in group["aliases"].values() for alias in aliases)]
            for group in tree["groups"]
        }
    except (OSError, UnicodeDecodeError, YAMLError, KeyError, TypeError, AttributeError) as error:
        raise StarterError(f"{file}: can't be read as a list of groups with aliases: {error}") from error


def starter_digest(variable: str = "framing", folder: Path | None = None) -> str:
    """Digest of the starter files' bytes, hexadecimal: other codings make another starter model."""
    digest = hashlib.sha256()
    for file in sorted([*(folder or STARTER / variable).glob("*.csv"), *(folder or STARTER / variable).glob("*.yaml")]):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
