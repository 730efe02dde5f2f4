"""Label Studio's JSON: tasks with annotations (people) and predictions (machines).

Ours travel in places that Label Studio keeps: ``data`` names the text, the task's ``meta.riftwatch`` how it was drawn,
and ``meta.riftwatch`` of a choice the whole coding. What Label Studio says besides stays in ``extra.labelstudio``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, TextIO

from pipeline.framing.codings.csv_file import lines_of
from pipeline.framing.codings.fields import Defaults, Found, shown, variables
from pipeline.framing.codings.json_stream import entries
from pipeline.store.codings import Stored, Task

OURS = "riftwatch"
TOOL = "labelstudio"
_OF_TEXTS = ("text", "title", "language")
"""of a task's data: belongs to the document, and is not kept a second time"""
_ADDRESSES = ("address", "url", "link")
_DRAWN = ("variable", "target", "draw", "probability", "drawn_at")
_PERSONAL = frozenset({"email", "first_name", "last_name", "username", "avatar", "initials", "phone"})
"""of the people that Label Studio names: they are not kept, their numbers are"""
Json = dict[str, Any]


def read(file: Path, defaults: Defaults) -> Iterator[Found]:
    """The labels of an export. Raises CodingsFileError where the file can't be read on."""
    with lines_of(file) as lines:
        for number, task in enumerate(entries(lines, "task"), start=1):
            yield from _labels(task, f"task {number}", defaults)


def _labels(task: Any, place: str, defaults: Defaults) -> Iterator[Found]:
    data = task.get("data") if isinstance(task, dict) else None
    if not isinstance(data, dict):
        yield Found(
            place, None, 'not a task of Label Studio; it needs {"data": {"address": ...}, "annotations": [...]}'
        )
        return
    about = {name: _impersonal(v) for name, v in task.items() if name not in {"annotations", "predictions", "data"}}
    about["data"] = {name: value for name, value in data.items() if name not in _OF_TEXTS}
    said = {**data, **_ours(task)}
    known = {name: said[name] for name in _DRAWN if name in said}
    known["address"] = next((data[name] for name in _ADDRESSES if data.get(name)), None)
    empty = True
    for kind in ("annotation", "prediction"):
        labels = task.get(f"{kind}s")
        labels = [] if labels is None else labels
        if not isinstance(labels, list):
            empty = False
            yield Found(place, None, f"{kind}s must be a list")
            continue
        for number, label in enumerate(labels, start=1):
            empty = False
            yield from _codings(label, kind, f"{place}, {kind} {number}", known, about, task, defaults)
    if empty:
        yield Found(place, None)


def _ours(part: Mapping[str, Any]) -> Json:
    meta = part.get("meta")
    ours = meta.get(OURS) if isinstance(meta, dict) else None
    return ours if isinstance(ours, dict) else {}


def _codings(
    label: Any, kind: str, place: str, known: Json, about: Json, task: Json, defaults: Defaults
) -> Iterator[Found]:
    results = label.get("result") if isinstance(label, dict) else None
    if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
        yield Found(place, None, f'not a{"n" * (kind[0] == "a")} {kind}; it needs "result", a list of objects')
        return
    if label.get("was_cancelled"):
        yield Found(place, None)  # skipped: missing is missing
        return
    choices = [one for one in results if one.get("type") == "choices"]
    named = [one for one in choices if _is_variable(one.get("from_name"))] or choices
    if not named:
        if kind == "annotation" and results:
            yield Found(place, None, "it has no choice; a coding is one value of a Choices control")
        else:
            yield Found(place, None)
        return
    if len(named) > 1 and not all(_is_variable(one.get("from_name")) for one in named):
        names = ", ".join(sorted({str(one.get("from_name")) for one in named}))
        yield Found(place, None, f"choices of several controls ({names}); name one of them after the variable it codes")
        return
    others = [one for one in results if one not in named and not _is_note(one)]
    for one in named:
        chosen = one["value"].get("choices") if isinstance(one.get("value"), dict) else None
        if not isinstance(chosen, list) or len(chosen) != 1 or not isinstance(chosen[0], str):
            count = len(chosen) if isinstance(chosen, list) else 0
            yield Found(place, None, f"{count} values of {one.get('from_name')}; a text gets exactly one")
            continue
        row = _as_written(one, chosen[0], kind)
        if row is None:
            foreign = {
                "task": about,
                "kind": kind,
                "label": {name: _impersonal(value) for name, value in label.items() if name != "result"},
                "choice": {name: value for name, value in one.items() if name != "value"},
                "others": others,
                "skipped": [_impersonal(a) for a in task.get("annotations") or [] if _was_skipped(a)],
            }
            row = known | _foreign(label, one, chosen[0], kind, task, defaults)
            row["note"] = "\n".join(t for r in results if _is_note(r) for t in _lines(r)) or None
            row["extra"] = {TOOL: foreign}
        yield Found(place, row)


def _is_variable(name: Any) -> bool:
    return isinstance(name, str) and name in variables()


def _is_note(result: Json) -> bool:
    return result.get("type") == "textarea" and result.get("from_name") == "note"


def _lines(result: Json) -> list[str]:
    value = result.get("value")
    text = value.get("text") if isinstance(value, dict) else None
    return [text] if isinstance(text, str) else [one for one in text or [] if isinstance(one, str)]


def _as_written(choice: Json, chosen: str, kind: str) -> Json | None:
    """The coding as we wrote it, if this is it: not a machine's that a person took over, not one that was changed."""
    ours = _ours(choice)
    if not ours or (ours.get("origin") == "machine") != (kind == "prediction") or ours.get("value") != chosen:
        return None
    return ours


def _foreign(label: Json, choice: Json, chosen: str, kind: str, task: Json, defaults: Defaults) -> Json:
    """Columns of a label that was made in Label Studio."""
    name = choice.get("from_name")
    variable = name if _is_variable(name) else None
    row: Json = {"value": chosen, "coded_at": label.get("updated_at") or label.get("created_at")}
    if variable:
        row["variable"] = variable
    if kind == "prediction":
        drawn = {"draw": "import", "probability": None, "drawn_at": None}
        return row | drawn | {"origin": "machine", "coder": label.get("model_version") or "machine"}
    coder = label.get("completed_by")
    coder = coder.get("id") if isinstance(coder, dict) else coder
    return row | {
        "origin": _origin(label, choice, chosen, task, defaults),
        "coder": defaults.coder if coder is None else coder,
    }


def _origin(label: Json, choice: Json, chosen: str, task: Json, defaults: Defaults) -> str:
    """Whether a person chose, or took over what a machine had said; changed, it is the person's own."""
    if choice.get("origin") in {"manual", "prediction-changed"}:
        return "human"
    if _ours(choice).get("origin") == "machine" or choice.get("origin") == "prediction":
        return "confirmed" if _ours(choice).get("value", chosen) == chosen else "human"
    parent = label.get("parent_prediction")
    parent = parent.get("id") if isinstance(parent, dict) else parent
    for prediction in task.get("predictions") or []:
        if parent is not None and isinstance(prediction, dict) and prediction.get("id") == parent:
            said = [r.get("value") for r in prediction.get("result") or [] if isinstance(r, dict)]
            names = [c for v in said if isinstance(v, dict) for c in v.get("choices") or []]
            return "confirmed" if chosen in names else "human"
    return "human"


def _was_skipped(label: Any) -> bool:
    return isinstance(label, dict) and bool(label.get("was_cancelled"))


def _impersonal(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _impersonal(inner) for name, inner in value.items() if name not in _PERSONAL}
    return [_impersonal(inner) for inner in value] if isinstance(value, list) else value


def _foreign_of(stored: Stored) -> Json:
    """What Label Studio said besides, if the coding came from there; a foreign hand may have written anything."""
    foreign: Any = (stored.coding.extra or {}).get(TOOL)
    return {
        name: value
        for name, kind in (("task", dict), ("label", dict), ("choice", dict), ("others", list), ("skipped", list))
        if isinstance(foreign, dict) and isinstance(value := foreign.get(name), kind)
    }


def write(out: TextIO, codings: Iterable[Stored], with_texts: bool) -> int:
    """Write codings as tasks, one for each text and target; returns how many codings. ``codings``: by both."""
    count = 0
    out.write("[")
    texts = groupby(codings, key=lambda one: (one.coding.address, one.coding.target))
    for number, (_, group) in enumerate(texts):
        same = list(group)
        count += len(same)
        out.write(",\n" if number else "\n")
        json.dump(_task(same, with_texts), out, ensure_ascii=False)
    out.write("\n]\n")
    return count


def _task(same: list[Stored], with_texts: bool) -> Json:
    first = same[0]
    foreign = next((found for one in same if (found := _foreign_of(one))), {})
    task = foreign.get("task", {})
    data = {**(task["data"] if isinstance(task.get("data"), dict) else {}), "address": first.coding.address}
    if first.coding.target:
        data["target"] = first.coding.target
    if with_texts:
        data |= {name: getattr(first, name) for name in _OF_TEXTS}
    labels: dict[str, list[Json]] = {"annotations": [], "predictions": []}
    for one in same:
        kind = "predictions" if one.coding.origin == "machine" else "annotations"
        labels[kind].append(_label(one, kind))
    labels["annotations"] += foreign.get("skipped", [])
    return {**task, "data": data, **labels}


def _label(stored: Stored, kind: str) -> Json:
    coding = stored.coding
    foreign = _foreign_of(stored)
    choice = {
        "from_name": coding.variable,
        "to_name": "text",
        "type": "choices",
        **({"origin": "prediction" if coding.origin == "confirmed" else "manual"} if kind == "annotations" else {}),
        **foreign.get("choice", {}),
        "value": {"choices": [coding.value]},
    }
    choice["meta"] = {**(choice["meta"] if isinstance(choice.get("meta"), dict) else {}), OURS: shown(coding)}
    results = [choice, *foreign.get("others", [])]
    if coding.note:
        results.append({"from_name": "note", "to_name": "text", "type": "textarea", "value": {"text": [coding.note]}})
    own: Json = {"created_at": coding.coded_at.isoformat()}
    if kind == "predictions":
        own["model_version"] = coding.coder
    else:
        own["was_cancelled"] = False
    return {**own, **foreign.get("label", {}), "result": results}


def write_tasks(out: TextIO, tasks: Iterable[Task], variable: str) -> int:
    """Write a queue's texts as tasks without labels; what comes back finds its texts and how they were drawn."""
    count = 0
    out.write("[")
    for count, task in enumerate(tasks, start=1):
        out.write(",\n" if count > 1 else "\n")
        data = {"address": task.address, "document": task.document, "title": task.title, "language": task.language}
        data |= {"target": task.target} if task.target else {}
        drawn = {"draw": task.draw, "probability": task.probability, "drawn_at": task.drawn_at.isoformat()}
        meta = {OURS: {"variable": variable, "queue": task.queue, **drawn}}
        json.dump({"data": {**data, "text": task.text}, "meta": meta}, out, ensure_ascii=False)
    out.write("\n]\n")
    return count
