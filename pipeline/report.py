"""What a run did: one summable record, and one sentence for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import datetime

Progress = Callable[[str, int, int | None], None]
"""Called as ``progress(what, done, total)``; total is None while it is unknown."""


def silent(what: str, done: int, total: int | None) -> None:
    """The progress of a run nobody watches."""


def _earliest(a: datetime | None, b: datetime | None) -> datetime | None:
    return min((t for t in (a, b) if t), default=None)


def _latest(a: datetime | None, b: datetime | None) -> datetime | None:
    return max((t for t in (a, b) if t), default=None)


class InVainError(RuntimeError):
    """A run failed at everything it tried; carries its sentence."""


@dataclass(frozen=True)
class Report:
    """Counts of one run of one job. Reports of the same job add up."""

    job: str
    found: int = 0
    """addresses, rows or records seen"""
    new: int = 0
    """kept for the first time"""
    known: int = 0
    """seen before and left alone"""
    updated: int = 0
    """kept again with changed content"""
    reposts: int = 0
    """new texts that joined the cluster of an earlier one"""
    failed: int = 0
    waiting: int = 0
    """left for a later run (time budget, Retry-After, outside the window)"""
    bytes: int = 0
    seconds: float = 0.0
    first: datetime | None = None
    """earliest publication date among the new"""
    last: datetime | None = None
    problems: tuple[str, ...] = field(default=())
    """what went wrong, each in words"""

    def __add__(self, other: Report) -> Report:
        if self.job != other.job:
            raise ValueError(f"reports of different jobs do not add up: {self.job} + {other.job}")
        sums = {
            f.name: getattr(self, f.name) + getattr(other, f.name)
            for f in fields(self)
            if f.name not in {"job", "first", "last"}
        }
        return Report(
            job=self.job, first=_earliest(self.first, other.first), last=_latest(self.last, other.last), **sums
        )

    @property
    def in_vain(self) -> bool:
        """Whether things failed and nothing at all was kept or known."""
        return bool(self.failed) and not (self.new or self.known or self.updated)

    def require_something(self) -> None:
        """Raise :class:`InVainError` when the run was in vain, so that a scheduler tries again and tells somebody."""
        if self.in_vain:
            raise InVainError(self.sentence())

    def sentence(self) -> str:
        """The report as one sentence."""
        parts = [f"{self.found:,} found"]
        for name, word in (
            ("new", "new"),
            ("updated", "changed"),
            ("known", "known"),
            ("reposts", "reposts"),
            ("failed", "failed"),
            ("waiting", "waiting for a later run"),
        ):
            if count := getattr(self, name):
                parts.append(f"{count:,} {word}")
        if self.bytes:
            parts.append(f"{self.bytes / 1e6:.1f} MB")
        text = f"{self.job}: {', '.join(parts)} in {self.seconds:.1f} s"
        if self.first and self.last:
            text += f", published {self.first:%Y-%m-%d} to {self.last:%Y-%m-%d}"
        if self.problems:
            text += f"; {len(self.problems)} problem{'s' * (len(self.problems) != 1)}, first: {self.problems[0]}"
        return text + "."
