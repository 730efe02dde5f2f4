"""What no single field can know: that names refer to something, and only to one thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.monitor.model import Dyad, Monitor
from pipeline.monitor.problems import Problem, field_name, line_of
from pipeline.monitor.sources import Source


class _CrossChecks:
    """What no single field can know: that names refer to something, and only to one thing."""

    def __init__(self, monitor: Monitor, file: Path, tree: Any) -> None:
        self.monitor, self.file, self.tree = monitor, file, tree
        self.groups = {g.id for g in monitor.groups}

    def problem(self, path: tuple[Any, ...], message: str) -> Problem:
        return Problem(self.file, line_of(self.tree, path), field_name(path), message)

    def group_exists(self, path: tuple[Any, ...], group: str | None) -> Iterator[Problem]:
        if group is not None and group not in self.groups:
            known = ", ".join(sorted(self.groups))
            yield self.problem(path, f"unknown group {group!r}; write one of {known}")

    def ids_are_unique(self, section: str, ids: list[str]) -> Iterator[Problem]:
        for duplicate in (i for i, n in Counter(ids).items() if n > 1):
            last = len(ids) - 1 - ids[::-1].index(duplicate)
            yield self.problem((section, last, "id"), f"{duplicate!r} stands twice; give each its own id")

    def source(self, i: int, source: Source) -> Iterator[Problem]:
        path = ("sources", i)
        yield from self.group_exists((*path, "group"), source.group)
        maps_groups = source.kind == "table" and source.columns.group is not None
        if source.speaker == "own" and source.group is None and not maps_groups:
            yield self.problem(path, "speaker is own but no group is named; add group")
        if source.kind == "feed" and not (source.addresses or source.opml or source.home_pages):
            yield self.problem((*path, "addresses"), "names no feed; list one in addresses, opml or home_pages")
        if source.kind == "table":
            for value, group in source.groups.items():
                yield from self.group_exists((*path, "groups", value), group)
            if maps_groups and not source.groups:
                yield self.problem(path, "a group column needs `groups`, the map of its values to group ids")

    def dyad(self, i: int, dyad: Dyad) -> Iterator[Problem]:
        for side in (dyad.a, dyad.b):
            yield from self.group_exists(("dyads", i), side)
        if dyad.a == dyad.b:
            yield self.problem(("dyads", i), "a dyad needs two different groups")

    def all(self) -> Iterator[Problem]:
        monitor = self.monitor
        yield from self.ids_are_unique("groups", [g.id for g in monitor.groups])
        yield from self.ids_are_unique("sources", [s.id for s in monitor.sources])
        for i, source in enumerate(monitor.sources):
            yield from self.source(i, source)
        for i, dyad in enumerate(monitor.dyads):
            yield from self.dyad(i, dyad)
            if dyad in monitor.dyads[:i]:
                yield self.problem(("dyads", i), f"{dyad.a} and {dyad.b} stand twice; remove one")
        for i, event in enumerate(monitor.events):
            for side in event.dyad or ():
                yield from self.group_exists(("events", i, "dyad"), side)
        for i, silence in enumerate(monitor.silences):
            for side in silence.dyad or ():
                yield from self.group_exists(("silences", i, "dyad"), side)
        if monitor.since and monitor.until and monitor.until < monitor.since:
            yield self.problem(("until",), "until lies before since; swap them")


def cross_checks(monitor: Monitor, file: Path, tree: Any) -> list[Problem]:
    """Every problem that lies between fields; ``tree``: the YAML tree, for the lines."""
    return list(_CrossChecks(monitor, file, tree).all())
