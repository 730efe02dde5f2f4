"""Of which days texts are wanted, and what can be known of that before they are fetched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from pipeline.extract.dates import parse_date, read_by_origin
from pipeline.extract.found_dates import day_in_address

Verdict = Literal["inside", "outside", "no younger", "undated"]
_NO_YOUNGER = frozenset({"sitemap", "capture"})
"""Origins that only say when a text was there already: a sitemap's last change, an archive's capture."""
_DAY = timedelta(days=1)


class Window:
    """Texts published in [since, until); null: without bound."""

    def __init__(
        self,
        since: datetime | None,
        until: datetime | None,
        read: Callable[[str, str], datetime | None] = read_by_origin,
    ) -> None:
        """``since``, ``until``: aware; ``read``: origin and written date to the date."""
        self.since, self.until, self._read = since, until, read
        self._taken: dict[Verdict, int] = {"no younger": 0, "undated": 0}
        self._oldest: datetime | None = None

    def verdict(self, hints: Mapping[str, Any], address: str = "") -> Verdict:
        """What the place of discovery, or else the address, says of a text's publication.

        ``no younger``: only that it was there at a time after the window began. A day in an address
        (/2009/09/19/) is the outlet's own, in no known zone, so it decides only where it lies more than a day outside.
        """
        no_younger = False
        for origin, date in self._dates(hints):
            if self.since is not None and date < self.since:
                return "outside"
            if origin not in _NO_YOUNGER:
                return "inside" if self.until is None or date < self.until else "outside"
            no_younger = True
        if (written := day_in_address(address)) is not None and (day := parse_date(written)) is not None:
            early = self.since is not None and day + _DAY < self.since
            late = self.until is not None and day - _DAY >= self.until
            return "outside" if early or late else "inside"
        return "no younger" if no_younger else "undated"

    def lets_in(self, hints: Mapping[str, Any], address: str = "") -> bool:
        """Whether a text is to be had now: also one of which too little is known. Counts these, for :meth:`notes`."""
        verdict = self.verdict(hints, address)
        if verdict in self._taken:
            self._taken[verdict] += 1
        return verdict != "outside"

    def shown(self, hints: Mapping[str, Any]) -> None:
        """A place of discovery showed a text, for :meth:`begins_late`."""
        for origin, date in self._dates(hints):
            if origin not in _NO_YOUNGER:
                self._oldest = min(self._oldest or date, date)

    def notes(self) -> list[str]:
        """What is to be said of texts that were taken without knowing whether they lie inside."""
        if self.since is None and self.until is None:
            return []
        undated, no_younger = self._taken["undated"], self._taken["no younger"]
        said = []
        if undated:
            said.append(f"{undated:,} addresses say no date: they are taken whatever the window")
        if no_younger:
            said.append(
                f"{no_younger:,} addresses say only when they were changed or captured last: they are taken, "
                "and may be older than the window"
            )
        return said

    def begins_late(self) -> str | None:
        """What is to be said where the oldest text shown is younger than the window's beginning."""
        if self.since is None or self._oldest is None or self._oldest <= self.since:
            return None
        return (
            f"the oldest entry shown is of {self._oldest:%Y-%m-%d}: what was published between {self.since:%Y-%m-%d} "
            "and then is not to be found here; a sitemap, a listing or a web archive may have it"
        )

    def _dates(self, hints: Mapping[str, Any]) -> list[tuple[str, datetime]]:
        written = hints.get("dates")
        read = [(str(one["origin"]), str(one["value"])) for one in (written if isinstance(written, list) else [])]
        return [(origin, date) for origin, value in read if (date := self._read(origin, value)) is not None]
