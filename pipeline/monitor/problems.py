"""What is wrong with a monitor file: where it stands, and the mend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from pipeline.monitor.model import Dyad, Event, Group, Monitor
from pipeline.monitor.sources import KINDS, Outage, TableColumns


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a monitor file, and the mend."""

    file: Path
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.field}: {self.message}"


class MonitorError(ValueError):
    """A monitor file that can't be used; says everything that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


_MENDS = {
    "missing": "is missing; add it",
    "extra_forbidden": "is not a field here; remove it or check the spelling ({known})",
    "union_tag_invalid": "unknown kind; write one of {expected_tags}",
    "union_tag_not_found": "has no kind; add kind: feed, sitemap, listing, wayback, warc or table",
    "literal_error": "is {input!r}; write one of {expected}",
    "url_parsing": "is no address ({error}); write it in full with https://",
    "url_scheme": "only http and https addresses are collected",
    "date_from_datetime_parsing": "is no date; write YYYY-MM-DD",
    "date_parsing": "is no date; write YYYY-MM-DD",
    "too_short": "is empty; list at least one",
    "list_type": "is no list; write one entry a line, each after a dash",
    "dict_type": "is no mapping; write `name: value` lines",
    "model_type": "is no mapping; write `name: value` lines ({known})",
    "model_attributes_type": "is no mapping; write `name: value` lines ({known})",
    "string_type": "is no text; put it in quotes",
    "float_parsing": "is no number",
    "float_type": "is no number",
    "int_parsing": "is no whole number",
    "int_type": "is no whole number",
    "bool_parsing": "is neither true nor false",
    "bool_type": "is neither true nor false",
    "date_type": "is no date; write YYYY-MM-DD",
    "greater_than_equal": "is {input!r}; write {ge} or more",
}


def line_of(node: Any, path: tuple[Any, ...]) -> int:
    """Line (from 1) of the value at ``path`` in the YAML tree, or of its nearest parent that exists."""
    line = 0
    for key in path:
        try:
            if isinstance(node, CommentedMap):
                line = node.lc.key(key)[0]
            elif isinstance(node, CommentedSeq):
                line = node.lc.item(key)[0]
            else:
                break
            node = node[key]
        except (KeyError, IndexError, TypeError):
            break
    return line + 1


def field_name(path: tuple[Any, ...]) -> str:
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text or "(the file)"


def _known_fields(path: tuple[Any, ...], tags: list[str]) -> str:
    models: dict[str, type[BaseModel]] = {
        **KINDS,
        "groups": Group,
        "dyads": Dyad,
        "events": Event,
        "outages": Outage,
        "columns": TableColumns,
    }
    names = [p for p in path[:-1] if isinstance(p, str)]
    inner = names[-1] if names and names[-1] in models else tags[-1] if tags else ""
    model = models.get(inner, Monitor)
    return "known: " + ", ".join(field.alias or name for name, field in model.model_fields.items())


def from_pydantic(file: Path, tree: Any, error: ValidationError) -> Iterator[Problem]:
    for item in error.errors():
        # pydantic puts the tag of a union ("feed") into the path; the file has no such level
        raw = item["loc"]
        tags = [p for i, p in enumerate(raw) if p in KINDS and i == 2 and raw[0] == "sources"]
        path = tuple(p for i, p in enumerate(raw) if not (i == 2 and raw[0] == "sources" and p in KINDS))
        message = item["msg"].removeprefix("Value error, ")
        if mend := _MENDS.get(item["type"]):
            context = dict(item.get("ctx", {}))
            message = mend.format(
                **{"expected": "", "expected_tags": "", "error": "", "ge": "", **context},
                input=item["input"],
                known=_known_fields(path, [str(t) for t in tags]),
            )
        if item["type"].startswith("union_tag"):
            path = (*path, "kind")
        yield Problem(file, line_of(tree, path), field_name(path), message)
