"""What went wrong in a run, in words: the same reason is said once, with how often and where first."""

from __future__ import annotations

import threading


class Problems:
    """Collects problems from all threads of a run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: dict[str, list[str]] = {}
        self._counts: dict[str, int] = {}

    def note(self, what: str) -> None:
        """Something about the run as a whole; said once."""
        with self._lock:
            self._counts.setdefault(what, 0)

    def add(self, place: str, reason: str) -> None:
        """``place`` (an address, a line) failed for ``reason``."""
        with self._lock:
            self._counts[reason] = self._counts.get(reason, 0) + 1
            places = self._places.setdefault(reason, [])
            if len(places) < 3:
                places.append(place)

    def lines(self) -> tuple[str, ...]:
        """One line per reason, in the order of their first appearance."""
        with self._lock:
            return tuple(self._line(reason, count) for reason, count in self._counts.items())

    def _line(self, reason: str, count: int) -> str:
        places = self._places.get(reason, [])
        if not places:
            return reason
        more = f" and {count - len(places):,} more" if count > len(places) else ""
        return f"{', '.join(places)}{more}: {reason}"
