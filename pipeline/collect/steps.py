"""The way of a text, step by step, and where it ends for a source: from what the store knows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.collect.places import stamp
from pipeline.collect.volume import Volume
from pipeline.monitor import Monitor, TableSource, WarcSource
from pipeline.monitor.sources import Source
from pipeline.store.health import FrontierFacts, Reason, TextFacts
from pipeline.store.places import PlacesKnown
from pipeline.store.tables import Run

Outcome = Literal["ok", "trouble", "not reached"]


@dataclass(frozen=True)
class Step:
    """One step of the way."""

    name: str
    outcome: Outcome
    said: str
    mend: str | None = None
    """what to do about trouble"""


@dataclass(frozen=True)
class Facts:
    """What the store knows of a source."""

    places: PlacesKnown
    frontier: FrontierFacts
    texts: TextFacts
    runs: Sequence[Run]
    """its newest report lines, the newest first"""
    volume: Volume


def is_local(source: Source) -> bool:
    """Whether it is read from files."""
    return isinstance(source, WarcSource | TableSource)


def many(count: int, one: str, more: str | None = None) -> str:
    """A count with its word: ``1 text``, ``2 texts``."""
    return f"{count:,} {one if count == 1 else more or f'{one}s'}"


def listed(reasons: Sequence[Reason]) -> str:
    """Reasons with how often each was met."""
    return "; ".join(f"{one.said} ({one.count:,}, such as {one.example})" for one in reasons)


def monitor_step(monitor: Monitor, source: Source) -> Step:
    """What the monitor's file says of the source."""
    speaks = f"{source.speaker} texts of {source.group or 'no group'}"
    when = "by hand only" if source.schedule is None else f"schedule {source.schedule}"
    said = [f"{source.kind} source, {speaks}, {when}"]
    for name in ("include", "exclude"):
        if pattern := getattr(source, name, None):
            said.append(f"{name} {pattern!r}")
    mend = None
    if getattr(source, "fetch_pages", True) is False:
        said.append("fetch_pages is false: pages are never fetched")
        mend = "Set fetch_pages to true when texts are wanted."
    if source.outages:
        said.append(many(len(source.outages), "outage") + " noted")
    return Step("monitor file", "trouble" if mend else "ok", f"{', '.join(said)}.", mend)


def places_step(source: Source, places: PlacesKnown) -> Step:
    """How the places of discovery did at their last readings."""
    name = "places"
    if is_local(source):
        return Step(name, "ok", "It is read from files, no place is asked.")
    if not places.total:
        return Step(name, "not reached", "No place was asked yet.")
    said = many(places.total, "place") + " known"
    if places.due is not None:
        said += f", {places.resting:,} resting (nothing new for long), the next due {stamp(places.due)}"
    if places.failing:
        shown = "; ".join(
            f"{one.address}: {one.reason} ({many(one.failures, 'failure')} in a row"
            + (f", asked again {stamp(one.not_before)})" if one.not_before else ")")
            for one in places.some[: min(3, places.failing)]
        )
        return Step(
            name,
            "trouble",
            f"{said}; {places.failing:,} failing: {shown}.",
            "It is asked again by itself, ever more slowly; `riftwatch collect --all-places` asks at once.",
        )
    if places.empty:
        mend = "Open the place in a browser: is it still the right one, and do include and exclude fit its links?"
        return Step(
            name, "trouble", f"{said}; {places.empty:,} show no wanted address, such as {places.an_empty}.", mend
        )
    return Step(name, "ok", f"{said}.")


def frontier_step(source: Source, facts: FrontierFacts) -> Step:
    """What became of the addresses it showed."""
    name = "addresses"
    if is_local(source):
        return Step(name, "ok", "Texts in files need no fetching.")
    if not facts.total:
        return Step(name, "not reached", "No address was discovered yet.")
    said = f"{facts.fetched:,} of {many(facts.total, 'address', 'addresses')} fetched"
    for count, word in ((facts.pending, "pending"), (facts.failed, "given up"), (facts.gone, "gone")):
        if count:
            said += f", {count:,} {word}"
    if facts.due:
        said += f"; {facts.due:,} of the pending are due now"
    if facts.next_due is not None:
        said += f"; the next retry is due {stamp(facts.next_due)}"
    if not facts.reasons:
        return Step(name, "ok", f"{said}.")
    said += f". Reasons: {listed(facts.reasons)}"
    bad = facts.failed + facts.gone + (facts.pending - facts.due)
    if bad * 2 < facts.fetched:
        return Step(name, "ok", f"{said}.")
    return Step(name, "trouble", f"{said}.", "Open one of these addresses in a browser, and see the page on failures.")


def texts_step(facts: TextFacts) -> Step:
    """What extraction made of what was fetched."""
    name = "texts"
    if not facts.total and not facts.captures:
        return Step(name, "not reached", "Nothing was fetched yet.")
    said = f"{many(facts.total, 'text')} from {many(facts.captures, 'response')}"
    if not facts.quarantined:
        return Step(name, "ok" if facts.total else "trouble", f"{said}.")
    said += f"; {facts.quarantined:,} quarantined: {listed(facts.quarantine)}"
    if facts.quarantined * 2 < facts.total:
        return Step(name, "ok", f"{said}.")
    mend = "Try one with `riftwatch extract`; a text_selector helps where extraction misses the text."
    return Step(name, "trouble", f"{said}.", mend)


def dates_step(facts: TextFacts) -> Step:
    """How many texts have no acceptable date."""
    if not facts.total:
        return Step("dates", "not reached", "There is no text yet.")
    if not facts.undated:
        return Step("dates", "ok", f"All of {many(facts.total, 'text')} are dated.")
    said = f"{facts.undated:,} of {many(facts.total, 'text')} have no acceptable date: {listed(facts.dates)}."
    if facts.undated * 4 < facts.total:
        return Step("dates", "ok", said)
    mend = "Name the element with date_selector (and date_format), or widen `earliest`; undated texts are in no period."
    return Step("dates", "trouble", said, mend)


def duplicates_step(facts: TextFacts) -> Step:
    """How many texts count elsewhere."""
    if not facts.total:
        return Step("duplicates", "not reached", "There is no text yet.")
    said = f"{facts.reposts:,} of {many(facts.total, 'text')} carry a text that counts elsewhere."
    if facts.reposts * 2 <= facts.total:
        return Step("duplicates", "ok", said)
    # no fault: two sources of one group may carry the same texts
    more = " It mostly reposts; if another source reposts it, look whether that one's dates are earlier and right."
    return Step("duplicates", "ok", said + more)


def trend_step(monitor: Monitor, source: Source, facts: TextFacts) -> Step:
    """How many texts can enter a trend."""
    if not facts.total:
        return Step("trend", "not reached", "There is no text yet.")
    if source.speaker != "own":
        said = "speaker is observer: its texts enter no group's trend, as the monitor wants it."
        return Step("trend", "ok", said)
    inside = facts.total - facts.undated - facts.outside
    span = f"from {monitor.since or 'the first text'} to {monitor.until or 'today'}"
    said = f"{inside:,} of {many(facts.total, 'text')} are dated {span}."
    if inside:
        return Step("trend", "ok", said)
    return Step("trend", "trouble", said, "Widen since and until in the monitor's file, or mend the dates.")


def runs_step(source: Source, runs: Sequence[Run]) -> Step:
    """What the last runs said."""
    if not runs:
        by_hand = "import" if is_local(source) else "collect"
        mend = f"Unpause its DAG in Airflow, or run `riftwatch {by_hand} --source {source.id}`."
        return Step("runs", "trouble", "It never ran.", mend)
    newest = runs[0]
    said = f"Last run {stamp(newest.started_at)}: {newest.sentence}"
    vain = bool(newest.failed) and not (newest.new or newest.known or newest.updated)
    broken = any("was broken off" in str(one) for one in newest.problems)
    if vain or broken:
        return Step("runs", "trouble", said, "The step above that shows trouble says why.")
    return Step("runs", "ok", said)


def volume_step(volume: Volume) -> Step:
    """The volume against the source's own history."""
    if volume.is_finding:
        mend = "Open the source in a browser: did it move, fall silent, or change what it shows?"
        return Step("volume", "trouble", volume.said, mend)
    return Step("volume", "not reached" if volume.state == "unknown" else "ok", volume.said)


def store_steps(monitor: Monitor, source: Source, facts: Facts) -> list[Step]:
    """The steps that the store can tell, in the order of a text's way."""
    return [
        places_step(source, facts.places),
        frontier_step(source, facts.frontier),
        texts_step(facts.texts),
        dates_step(facts.texts),
        duplicates_step(facts.texts),
        trend_step(monitor, source, facts.texts),
        runs_step(source, facts.runs),
        volume_step(facts.volume),
    ]


def conclusion(steps: Sequence[Step]) -> str:
    """Where the way ends, in one sentence."""
    first = next((step for step in steps if step.outcome == "trouble"), None)
    if first is None:
        return "Nothing is in its way."
    return f"Look first at: {first.name}. {first.said}"
