"""doccano's JSONL for text classification: a line an example, its label in ``label``, ``labels`` or ``cats``.

doccano keeps every other field of a line and writes it back, so ours travel in the field ``riftwatch`` and what doccano
says besides stays in ``extra.doccano``. It writes one file for each annotator and does not name them inside.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from pipeline.framing.codings.csv_file import lines_of
from pipeline.framing.codings.fields import COLUMNS, Defaults, Found, parse_json, shown
from pipeline.store.codings import Stored, Task

OURS = "riftwatch"
TOOL = "doccano"
LABELS = ("label", "labels", "cats")
_OF_TEXTS = ("text", "data", "title", "language")
LONGEST_LINE = 16_000_000
"""characters"""
Json = dict[str, Any]


def read(file: Path, defaults: Defaults) -> Iterator[Found]:
    """The labels of an export, a line at a time; a wrong line is a Found that says so."""
    with lines_of(file) as lines:
        number = 0
        while line := lines.readline(LONGEST_LINE):
            number += 1
            whole = line
            while not line.endswith(("\n", "\r")) and len(line) == LONGEST_LINE:
                line = lines.readline(LONGEST_LINE)  # the rest of it is passed over
                whole = ""
            if not whole:
                yield Found(str(number), None, f"longer than {LONGEST_LINE:,} characters")
            elif whole.strip():
                yield from _labels(whole, str(number), defaults)


def _labels(line: str, place: str, defaults: Defaults) -> Iterator[Found]:
    try:
        example = parse_json(line)
    except ValueError as error:
        yield Found(place, None, str(error))
        return
    if not isinstance(example, dict):
        yield Found(place, None, 'not an example of doccano; write {"text": ..., "label": [...], "address": ...}')
        return
    several = example.get("annotations")
    if isinstance(several, list) and not any(name in example for name in LABELS):  # as doccano before 1.5 wrote them
        if not several:
            yield Found(place, None)
        for number, one in enumerate(several, start=1):
            yield _one(example, one, f"{place}, annotation {number}", defaults)
        return
    yield _one(example, None, place, defaults)


def _one(example: Json, annotation: Any, place: str, defaults: Defaults) -> Found:
    if annotation is not None and not isinstance(annotation, dict):
        return Found(place, None, "not an annotation; it must be an object")
    given = [annotation.get("label")] if annotation else next((example[n] for n in LABELS if n in example), None)
    values = [given] if isinstance(given, str) else given or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return Found(place, None, "label must be a name or a list of names, as doccano's classification writes it")
    if not values:
        return Found(place, None)
    if len(values) > 1:
        return Found(place, None, f"{len(values)} labels ({', '.join(values)[:200]}); a text gets exactly one")
    ours = example.get(OURS)
    ours = ours if isinstance(ours, dict) else {}
    if ours.get("value") == values[0]:
        return Found(place, ours)
    row = {name: example[name] for name in COLUMNS if name in example and name != "extra"}
    row |= {
        name: ours[name]
        for name in ("address", "variable", "target", "draw", "probability", "drawn_at")
        if name in ours
    }
    if annotation and annotation.get("user") is not None:
        row["coder"] = annotation["user"]
    if annotation:
        row["coded_at"] = annotation.get("updated_at") or annotation.get("created_at")
    if not row.get("note"):
        row["note"] = _comments(example)
    kept = {n: v for n, v in example.items() if n not in {*_OF_TEXTS, *LABELS, *COLUMNS, OURS, "annotations"}}
    foreign = {"example": kept, "field": next((name for name in LABELS if name in example), "label")}
    if annotation:
        foreign["annotation"] = annotation
    return Found(place, row | {"value": values[0], "extra": {TOOL: foreign}})


def _comments(example: Mapping[str, Any]) -> str | None:
    comments = example.get("Comments")
    return "\n".join(one for one in comments if isinstance(one, str)) or None if isinstance(comments, list) else None


def write(out: TextIO, codings: Iterable[Stored], with_texts: bool) -> int:
    """Write codings, a line each; returns how many."""
    count = 0
    for count, stored in enumerate(codings, start=1):  # noqa: B007 (counted for the caller)
        coding = stored.coding
        foreign = (coding.extra or {}).get(TOOL)
        foreign = foreign if isinstance(foreign, dict) else {}
        example = foreign["example"] if isinstance(foreign.get("example"), dict) else {}
        field = foreign["field"] if foreign.get("field") in LABELS else "label"
        texts = {"text": stored.text, "title": stored.title, "language": stored.language} if with_texts else {}
        plain = {"address": coding.address, field: [coding.value], "coder": coding.coder, "origin": coding.origin}
        json.dump({**example, **texts, **plain, OURS: shown(coding)}, out, ensure_ascii=False)
        out.write("\n")
    return count


def write_tasks(out: TextIO, tasks: Iterable[Task], variable: str) -> int:
    """Write a queue's texts as examples without labels; what comes back finds its texts and how they were drawn."""
    count = 0
    for count, task in enumerate(tasks, start=1):  # noqa: B007 (counted for the caller)
        ours = {"address": task.address, "variable": variable, "target": task.target, "queue": task.queue}
        drawn = {"draw": task.draw, "probability": task.probability, "drawn_at": task.drawn_at.isoformat()}
        shown_to_coders = {"text": task.text, "title": task.title, "target": task.target}
        json.dump({**shown_to_coders, "label": [], OURS: {**ours, **drawn}}, out, ensure_ascii=False)
        out.write("\n")
    return count
