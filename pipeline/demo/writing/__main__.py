"""``python -m pipeline.demo.writing``: makes the demo's everyday texts, their truth and the coders' samples anew.

The hand-written texts, and what was planted in them, stay as they are. The same seed gives the same files.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import typer

from pipeline.demo.coders import (
    code,
    code_criticism,
    write_audit_codings,
    write_criticism_codings,
    write_training_codings,
)
from pipeline.demo.world import DEMO_FOLDER, HAND_WRITTEN, MADE
from pipeline.demo.writing.plan import Made, write

TRUTH = "truth.csv"
COLUMNS = ("id", "group", "date", "framing", "coder_1", "coder_2", "criticism", "critic_1", "critic_2", "flood")


def made_texts(folder: Path = DEMO_FOLDER) -> list[Made]:
    """The everyday texts that belong beside the hand-written ones of ``folder``."""
    lines = (folder / HAND_WRITTEN).read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return list(write([row["text"] for row in rows], [row["title"] for row in rows]))


def _line(made: Made) -> str:
    row = {
        "id": made.id, "site": made.site, "date": made.day.isoformat(), "lang": made.language,
        "title": made.title, "text": made.text,
    }  # fmt: skip
    return json.dumps(row, ensure_ascii=False) + "\n"


def _truth(folder: Path, made: list[Made]) -> list[dict[str, str]]:
    with (folder / TRUTH).open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if not row["id"].startswith("m")]
    rows += [
        {
            "id": one.id, "group": one.group, "date": one.day.isoformat(), "framing": one.framing,
            "criticism": one.criticism, "flood": "yes" if one.flood else "",
        }
        for one in made
    ]  # fmt: skip
    for row in rows:
        for coder in (0, 1):
            row[f"coder_{coder + 1}"] = code(row["id"], row["framing"], coder)
            row[f"critic_{coder + 1}"] = code_criticism(row["id"], row["criticism"], coder)
    return sorted(rows, key=lambda row: (row["date"], row["id"]))


def main(folder: Path = DEMO_FOLDER) -> None:
    """Write the files."""
    made = made_texts(folder)
    (folder / MADE).write_text("".join(map(_line, made)), encoding="utf-8")
    truth = _truth(folder, made)
    with (folder / TRUTH).open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(truth)
    framed = write_audit_codings(folder / "audit_codings.csv", folder=folder)
    criticised = write_criticism_codings(folder / "criticism_codings.csv", folder=folder)
    chosen = write_training_codings(folder / "training_codings.csv", folder=folder)
    typer.echo(
        f"{len(made)} texts made, {len(truth)} in {TRUTH}, {framed} codings of framing, {criticised} of criticism, "
        f"{chosen} to train on"
    )


if __name__ == "__main__":
    main()
