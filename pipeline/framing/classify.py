"""JSON lines in, labelled JSON lines out: the engine of `riftwatch classify`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from classifiers.model.explain import explain
from classifiers.model.model_folder import LoadedModel
from classifiers.model.passages import score_texts
from pipeline.framing.model import promoted_model

__all__ = ["classify_lines", "promoted_model"]

BATCH = 500
"""lines in memory at a time"""


def _parse(line: str) -> dict[str, Any]:
    """One input line. Raises ValueError in words."""
    try:
        item = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg} at character {error.pos + 1})") from None
    except RecursionError:
        raise ValueError("not JSON that can be read: nested too deeply") from None
    if not isinstance(item, dict):
        raise ValueError('not an object; write {"id": ..., "text": "..."}')
    for field in ("id", "text"):
        if field not in item:
            raise ValueError(f"{field} is missing")
    if not isinstance(item["id"], str | int):
        raise ValueError("id must be a text or a whole number")
    for field in ("text", "before", "after"):
        if not isinstance(item.get(field) or "", str):
            raise ValueError(f"{field} must be a text")
    if not (item["text"] or "").strip():
        raise ValueError("text is empty, so there is nothing to label")
    return item


def classify_lines(
    lines: Iterable[str], model: LoadedModel, prepare: Callable[[str], str] = str, *, explained: bool = False
) -> Iterator[dict[str, Any]]:
    """Label JSON lines ``{"id", "text", "before"?, "after"?, "lang"?}``, in order, a batch at a time.

    With ``explained`` each also says which passages and terms speak for it (:mod:`classifiers.model.explain`).
    Yields ``{"id", "p_<first head>", "p_<second head>", "label"}``, or for a line that can't be labelled
    ``{"line": number from 1, "error": words}``; the lines after it go on. Blank lines are left out. ``prepare`` is
    applied to every text: :func:`pipeline.framing.job.mask_of` a monitor gives the probabilities that framing gives.
    """
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    while batch := list(islice(numbered, BATCH)):
        yield from _classify_batch(batch, model, prepare, explained)


def _classify_batch(
    batch: list[tuple[int, str]], model: LoadedModel, prepare: Callable[[str], str], explained: bool
) -> Iterator[dict[str, Any]]:
    answers: list[dict[str, Any]] = []
    places, rows = [], []
    for number, line in batch:
        answers.append({"line": number})
        try:
            item = _parse(line)
        except ValueError as error:
            answers[-1]["error"] = str(error)
            continue
        places.append((len(answers) - 1, item["id"]))
        rows.append((item.get("before") or "", item["text"], item.get("after") or ""))
    probabilities, known = score_texts(model.classifier, rows, prepare)
    heads = model.classifier.heads_
    labels = heads.labels(probabilities)
    for (place, identity), row, p, label, is_known in zip(places, rows, probabilities, labels, known, strict=True):
        if not is_known:
            answers[place]["error"] = f"id {identity}: the model knows no word of this text, so it gets no label"
            continue
        answers[place] = {
            "id": identity,
            **{f"p_{head}": round(float(q), 6) for head, q in zip(heads.names, p, strict=True)},
            "label": str(label),
        }
        if explained:
            answers[place]["explanation"] = explain(model.classifier, row, prepare)
    yield from answers
