"""From a YAML file to a :class:`Monitor`, or to everything that is wrong with it."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from pipeline.monitor.checks import cross_checks
from pipeline.monitor.model import Monitor
from pipeline.monitor.problems import MonitorError, Problem, field_name, from_pydantic, line_of


def _line_of_impossible_date(text: str) -> int | None:
    """Line (from 1) of the first thing that is written like a date and is none."""
    for number, line in enumerate(text.splitlines(), start=1):
        for found in re.findall(r"\b\d{4}-\d{1,2}-\d{1,2}\b", line):
            try:
                date(*map(int, found.split("-")))
            except ValueError:
                return number
    return None


def load_monitor(file: Path) -> Monitor:
    """The monitor in ``file``.

    Relative paths in it are made absolute against the file's folder. Raises :class:`MonitorError`.
    """
    yaml = YAML()
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise MonitorError([Problem(file, 1, "(the file)", f"can't be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise MonitorError([Problem(file, 1, "(the file)", "is not UTF-8; save it as UTF-8")]) from None
    try:
        tree = yaml.load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise MonitorError(
            [Problem(file, line, "(the file)", f"not YAML: {error.problem}; check the indentation")]
        ) from None
    except (YAMLError, ValueError) as error:
        # a ValueError comes from a value that looks like a date and is none, such as 2009-13-19
        line = _line_of_impossible_date(text)
        mend = "write a date that exists, as YYYY-MM-DD" if line else "check the spelling"
        raise MonitorError([Problem(file, line or 1, "(the file)", f"not YAML: {error}; {mend}")]) from None
    if not isinstance(tree, CommentedMap):
        raise MonitorError([Problem(file, 1, "(the file)", "is empty or no mapping; start with name: and title:")])
    try:
        monitor = Monitor.model_validate(_plain(tree))
    except ValidationError as error:
        raise MonitorError(sorted(from_pydantic(file, tree, error), key=lambda p: p.line)) from None
    monitor = _anchor_paths(monitor, file.resolve().parent)
    problems = cross_checks(monitor, file, tree)
    if problems:
        raise MonitorError(problems)
    return monitor


def _plain(node: Any) -> Any:
    """ruamel's commented tree as plain dicts and lists, so that validation sees ordinary Python."""
    if isinstance(node, dict):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return node


def _anchor_paths(monitor: Monitor, folder: Path) -> Monitor:
    def anchored(source: Any) -> Any:
        if source.kind == "warc":
            return source.model_copy(update={"paths": [folder / p for p in source.paths]})
        if source.kind == "table":
            return source.model_copy(update={"path": folder / source.path})
        if source.kind == "feed" and source.opml is not None:
            return source.model_copy(update={"opml": folder / source.opml})
        return source

    return monitor.model_copy(update={"sources": [anchored(s) for s in monitor.sources]})


def missing_files(file: Path, monitor: Monitor) -> list[Problem]:
    """Files and folders that the sources of a monitor name and that are not there now."""
    tree = YAML().load(file.read_text(encoding="utf-8"))
    problems = []
    for i, source in enumerate(monitor.sources):
        named: list[tuple[tuple[Any, ...], Path]] = []
        if source.kind == "table":
            named = [(("sources", i, "path"), source.path)]
        elif source.kind == "warc":
            named = [(("sources", i, "paths", j), path) for j, path in enumerate(source.paths)]
        elif source.kind == "feed" and source.opml is not None:
            named = [(("sources", i, "opml"), source.opml)]
        for at, path in named:
            if not path.exists():
                message = f"{path} is not there; correct the path (relative ones start at the monitor file)"
                problems.append(Problem(file, line_of(tree, at), field_name(at), message))
    return problems
