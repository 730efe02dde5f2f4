"""The codebook: what a variable is called, which values it has, and what each counts for.

A codebook is a YAML file beside this module. Codings keep the version they were made with.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from classifiers.heads import Heads

FOLDER = Path(__file__).resolve().parent / "codebooks"


class CodebookError(ValueError):
    """A codebook that can't be used; names the file and everything wrong with it."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Value(_Part):
    """One value a coder may choose."""

    value: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,59}$")
    balance: float = Field(ge=-1, le=1, description="What a coding of this value counts for in a cell's balance.")
    definition: str = Field(min_length=1)
    signs: list[str] = Field(default_factory=list)


class Rule(_Part):
    """How a hard case is coded."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,59}$")
    title: str
    rule: str = Field(min_length=1)


class Codebook(_Part):
    """A variable, its values and the rules for hard cases."""

    variable: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,59}$")
    version: int = Field(ge=1)
    question: str
    unit: str
    values: Annotated[list[Value], Field(min_length=2)]
    heads: dict[str, list[str]]
    """the two questions a model answers, head -> the values that say yes to it; the first counts +1, the second -1"""
    targeted: bool = False
    """true: coded towards a group, once for each group a text names"""
    rules: list[Rule] = Field(default_factory=list)

    @model_validator(mode="after")
    def _names_fit(self) -> Codebook:
        # a value and a rule may share a name ("both"), two values or two rules may not
        for names in (self.names, [rule.id for rule in self.rules]):
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"{name} stands twice; give each value and each rule its own name")
        Heads.of(self.heads, self.names)
        return self

    @property
    def two_heads(self) -> Heads:
        """The heads as classifiers take them."""
        return Heads.of(self.heads, self.names)

    @property
    def names(self) -> list[str]:
        """The values a coder may choose, in the codebook's order."""
        return [v.value for v in self.values]

    @property
    def balances(self) -> dict[str, float]:
        """Value -> what it counts for, in [-1, 1]."""
        return {v.value: v.balance for v in self.values}


def load_codebook(file: Path = FOLDER / "framing.yaml") -> Codebook:
    """The codebook in ``file``. Raises :class:`CodebookError`, which names file and field."""
    try:
        tree = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        book = Codebook.model_validate(tree)
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise CodebookError(f"{file}: can't be read as YAML: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in error.errors())
        raise CodebookError(f"{file}: {wrong}") from error
    return book


def codebook_of(variable: str) -> Codebook:
    """The codebook of a variable. Raises :class:`CodebookError` that names the variables there are."""
    books = {book.variable: book for book in codebooks()}
    if variable not in books:
        raise CodebookError(f"unknown variable {variable!r}; write one of {', '.join(sorted(books))}")
    return books[variable]


def codebooks() -> list[Codebook]:
    """Every codebook there is, by the name of its variable."""
    return sorted((_read_once(f, f.stat().st_mtime_ns) for f in FOLDER.glob("*.yaml")), key=lambda book: book.variable)


@lru_cache(maxsize=64)
def _read_once(file: Path, _changed: int) -> Codebook:
    """A codebook is asked for at every key press of a coder: its file is read again only when it has changed."""
    return load_codebook(file)
