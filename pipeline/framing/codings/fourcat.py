"""4CAT's annotations, as its processor "Export annotations" writes them: CSV, a row an annotation.

4CAT names the item (``item_id``), the field (``label``, here the variable) and what stands in it (``value``); a row
that a processor made (``by_processor``) is a machine's. Ours travel in ``metadata``, which 4CAT leaves to its users.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from pipeline.framing.codings.csv_file import ENDS, harmless, lines_of, table_rows
from pipeline.framing.codings.fields import CodingsFileError, Defaults, Found, parse_json, shown, variables
from pipeline.store.codings import Stored

OURS = "riftwatch"
TOOL = "4cat"
REQUIRED = ("item_id", "label", "value")
COLUMNS = (
    "id", "dataset", "field_id", "item_id", "timestamp", "timestamp_created", "label", "type", "options", "value",
    "author", "author_original", "by_processor", "metadata", "epoch_timestamp", "epoch_timestamp_created",
)  # fmt: skip
_OF_TEXTS = ("title", "language", "text")
_YES = {"true", "1", "t", "yes"}


def read(file: Path, defaults: Defaults) -> Iterator[Found]:
    """The annotations of an export. A field is called after its variable, or all are of the one in ``defaults``."""
    with lines_of(file) as lines:
        for found in table_rows(lines, REQUIRED, None):
            yield found if found.row is None else _label(found.place, found.row, defaults)


def _label(place: str, cells: Mapping[str, str], defaults: Defaults) -> Found:
    ours = _metadata(cells).get(OURS)
    if isinstance(ours, dict) and ours.get("value") == cells["value"]:
        return Found(place, ours)
    if not cells["value"].strip():
        return Found(place, None)
    variable, _, target = cells["label"].strip().partition(":")
    variable = variable.strip().casefold()
    if defaults.variable and variable not in variables():
        variable, target = defaults.variable, ""
    machine = cells.get("by_processor", "").strip().casefold() in _YES
    row = {
        "address": _address(cells["item_id"].strip(), defaults.source),
        "variable": variable,
        "target": target.strip(),
        "value": cells["value"],
        "coder": cells.get("author") or cells.get("author_original") or ("machine" if machine else ""),
        "coded_at": _moment(cells),
        "origin": "machine" if machine else "human",
        "extra": {TOOL: {name: cell for name, cell in cells.items() if name not in _OF_TEXTS}},
    }
    if row["address"] is None:
        return Found(
            place, None, "item_id is no web address; name the monitor's source whose rows these are (--source)"
        )
    return Found(place, row)


def _metadata(cells: Mapping[str, str]) -> dict[str, Any]:
    try:
        said = parse_json(cells.get("metadata") or "{}")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _address(item: str, source: str | None) -> str | None:
    if item.startswith(("http://", "https://", "table:")):
        return item
    return f"table:{source}/{item}" if source else None


def _moment(cells: Mapping[str, str]) -> str:
    """When it was last edited: 4CAT's own seconds where the file has them, else its words."""
    seconds = cells.get("epoch_timestamp") or cells.get("timestamp") or ""
    try:
        return datetime.fromtimestamp(int(seconds), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return cells.get("timestamp") or ""


def write(out: TextIO, codings: Iterable[Stored], with_texts: bool) -> int:
    """Write codings as 4CAT would; returns how many. Columns that 4CAT has besides stay in the metadata."""
    columns = (*COLUMNS, *(_OF_TEXTS if with_texts else ()))
    writer = csv.DictWriter(out, columns, lineterminator=ENDS, extrasaction="ignore")
    writer.writeheader()
    count = 0
    for count, stored in enumerate(codings, start=1):  # noqa: B007 (counted for the caller)
        coding = stored.coding
        foreign = (coding.extra or {}).get(TOOL)
        foreign = foreign if isinstance(foreign, dict) else {}
        metadata = {**_metadata({"metadata": str(foreign.get("metadata") or "")}), OURS: shown(coding)}
        own = {
            "item_id": coding.address,
            "label": f"{coding.variable}:{coding.target}" if coding.target else coding.variable,
            "type": "text",
            "author": coding.coder,
            "author_original": coding.coder,
            "timestamp": f"{coding.coded_at:%Y-%m-%d %H:%M:%S}",
            "timestamp_created": f"{coding.coded_at:%Y-%m-%d %H:%M:%S}",
            "epoch_timestamp": int(coding.coded_at.timestamp()),
            "epoch_timestamp_created": int(coding.coded_at.timestamp()),
            "by_processor": coding.origin == "machine",
        }
        texts = {name: getattr(stored, name) for name in _OF_TEXTS}
        kept = {"value": coding.value, "metadata": json.dumps(metadata, ensure_ascii=False)}
        row = own | foreign | texts | kept
        writer.writerow({name: harmless(cell) for name, cell in row.items()})
    return count


def write_tasks(out: TextIO, tasks: Iterable[Any], variable: str) -> int:
    """4CAT has no tasks. Raises CodingsFileError."""
    raise CodingsFileError(f"4CAT takes no texts of a queue of {variable} to label; write labelstudio, doccano or csv")
