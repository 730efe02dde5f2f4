"""Taking codings out: to a file of any format, and texts of a queue to be labelled elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TextIO
from xml.etree import ElementTree

from classifiers.codebook import Codebook, codebook_of
from pipeline.framing.codings.fields import CodingsFileError
from pipeline.framing.codings.formats import FileFormat, module_of
from pipeline.monitor import Monitor
from pipeline.settings import Settings
from pipeline.store.codings import newest_queue, stored_codings, tasks_of
from pipeline.store.session import open_session

_HOTKEYS = "1234567890"


def _write(file: Path, fill: Callable[[TextIO], int]) -> int:
    """Fill a file that appears only when it is whole. Raises CodingsFileError when it can't be written."""
    part = file.with_name(f".{file.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as out:
            count = fill(out)
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
    except OSError as error:
        raise CodingsFileError(f"{file} can't be written: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)
    return count


def export_codings(
    settings: Settings,
    monitor: Monitor,
    file: Path,
    *,
    form: FileFormat = FileFormat.CSV,
    variable: str | None = None,
    coder: str | None = None,
    since: datetime | None = None,
    with_texts: bool = False,
) -> int:
    """Write the monitor's codings to a file; returns how many. Brought into an empty store they are the same codings.

    Raises CodebookError for an unknown variable and CodingsFileError when the file can't be written.
    """
    if variable is not None:
        codebook_of(variable)
    with open_session(settings) as session:
        codings = stored_codings(
            session, monitor.name, variable=variable, coder=coder, since=since, with_texts=with_texts
        )
        return _write(file, lambda out: module_of(form).write(out, codings, with_texts))


def export_queue(
    settings: Settings, monitor: Monitor, file: Path, *, variable: str, form: FileFormat, queue: int | None = None
) -> int:
    """Write the texts of a queue (the newest) that nobody has labelled, without labels; returns how many.

    Answers that come back find their texts by address, and count as drawn as the queue drew them. Raises
    CodebookError, and CodingsFileError when there is no such queue or the format has no tasks.
    """
    codebook_of(variable)
    with open_session(settings) as session:
        number = newest_queue(session, monitor.name, variable, queue)
        if number is None:
            which = f"no queue {queue} of {variable}" if queue is not None else f"no queue of {variable}"
            raise CodingsFileError(f"{monitor.name} has {which}; draw one with `riftwatch label queue`")
        return _write(file, lambda out: module_of(form).write_tasks(out, tasks_of(session, number), variable))


def label_studio_config(book: Codebook) -> str:
    """Label Studio's labelling interface for a codebook: its question, its values with hotkeys, a note."""
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Header", value=" ".join(book.question.split()))
    if book.targeted:
        ElementTree.SubElement(view, "Header", value="$target")
    ElementTree.SubElement(view, "Header", value="$title", size="4")
    ElementTree.SubElement(view, "Text", name="text", value="$text")
    choices = ElementTree.SubElement(
        view, "Choices", name=book.variable, toName="text", choice="single", required="true", showInline="false"
    )
    for place, value in enumerate(book.values):
        hotkey: dict[str, str] = {"hotkey": _HOTKEYS[place]} if place < len(_HOTKEYS) else {}
        said = {"value": value.value, "hint": " ".join(value.definition.split()), **hotkey}
        ElementTree.SubElement(choices, "Choice", said)
    ElementTree.SubElement(view, "TextArea", name="note", toName="text", placeholder="Note", rows="2", required="false")
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def export_config(file: Path, variable: str) -> None:
    """Write :func:`label_studio_config` of a variable. Raises CodebookError and CodingsFileError."""
    text = label_studio_config(codebook_of(variable))
    _write(file, lambda out: out.write(text))
