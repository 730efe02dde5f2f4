"""What is planted when: how many texts, which framing, and how each side speaks of the other.

The hand-written texts are two or three a week and side. These everyday texts come beside them, so that a week holds
enough of both sides for the weekly alarm to hear a quarrel.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from pipeline.demo.writing.grammar import Language, Shelf, Writer, load_language, runs

SEED = 31
LANGUAGES = ("en", "ar", "fa")
ALIKE = 0.2
"""No two texts are more alike: from .3 on they would count as one."""
SHORTEST = 280
"""characters; of less an extractor takes what stands around it for the text as well"""

HOSTILE, NEUTRAL, SUPPORTIVE = "hostile", "neutral", "supportive"

SITES: dict[str, Sequence[tuple[str, str, float]]] = {
    "kestrel": (
        ("kestrel-news", "en", 0.52),
        ("kestrel-voice", "ar", 0.1),
        ("kestrel-valley", "en", 0.3),
        ("kestrel-valley", "fa", 0.08),
    ),
    "juniper": (
        ("juniper-path", "en", 0.58),
        ("juniper-path", "ar", 0.08),
        ("juniper-letters", "fa", 0.1),
        ("juniper-radio", "en", 0.24),
    ),
}
"""group -> where its texts appear, in which language, and how many of them"""


@dataclass(frozen=True)
class Phase:
    """A stretch of time in which a group writes in one way."""

    start: date
    end: date
    """first day after it"""
    weekly: float
    """texts a week and side"""
    lean: float
    """the Kestrels' balance; the Fellowship's is the opposite"""
    naming: float
    """share of texts that name the other side"""
    hostile: float
    """share of these that are hostile"""
    supportive: float
    only: tuple[str, ...] = ("kestrel", "juniper")
    site: str = ""
    """all on this one site"""


BOTH, NEITHER = 0.1, 0.2
"""shares of texts that hold both claims, and none; the rest is nationalist or universalist"""

OUTAGE = (date(2024, 5, 6), date(2024, 6, 17))
"""The Fellowship's sites are down: [first day, first day after)."""

PHASES = (
    Phase(date(2024, 1, 1), date(2025, 1, 20), 4.5, 0.32, 0.06, 0.15, 0.25),
    # one site floods, with the framing it always had
    Phase(date(2024, 11, 1), date(2024, 12, 1), 14, 0.32, 0.06, 0.15, 0.25, ("juniper",), "juniper-radio"),
    # the winter address
    Phase(date(2025, 1, 20), date(2025, 2, 10), 4.5, 0.42, 0.1, 0.2, 0.2),
    # open letters
    Phase(date(2025, 2, 10), date(2025, 10, 12), 7, 0.7, 0.34, 0.7, 0.05),
    # the talks at Low Harbour: each side takes up the other's words
    Phase(date(2025, 10, 12), date(2026, 1, 1), 11, -0.18, 0.22, 0.08, 0.5),
)


@dataclass(frozen=True)
class Made:
    """One text, and what was planted in it."""

    id: str
    site: str
    group: str
    day: date
    language: str
    title: str
    text: str
    framing: str
    criticism: str
    """hostile, neutral or supportive of the other side; empty: does not name it"""
    flood: bool = False


def _framings(number: int, lean: float, chance: random.Random) -> list[str]:
    """So many framings with this balance, in the order of chance."""
    both, neither = round(number * BOTH), round(number * NEITHER)
    clear = number - both - neither
    nationalist = min(clear, max(0, round((clear + lean * number) / 2)))
    made = ["both"] * both + ["neither"] * neither + ["nationalist"] * nationalist
    made += ["universalist"] * (clear - nationalist)
    chance.shuffle(made)
    return made


def _tones(number: int, phase: Phase, chance: random.Random) -> list[str]:
    naming = round(number * phase.naming)
    hostile, supportive = round(naming * phase.hostile), round(naming * phase.supportive)
    made = [HOSTILE] * hostile + [SUPPORTIVE] * supportive + [NEUTRAL] * (naming - hostile - supportive)
    made += [""] * (number - naming)
    chance.shuffle(made)
    return made


def _days(phase: Phase, group: str, chance: random.Random) -> list[date]:
    days = [phase.start + timedelta(days=i) for i in range((phase.end - phase.start).days)]
    open_days = [day for day in days if group != "juniper" or not OUTAGE[0] <= day < OUTAGE[1]]
    number = round(phase.weekly * len(open_days) / 7)
    # every week its share, on days of its own choice
    return sorted(open_days[int((i + chance.random()) * len(open_days) / number)] for i in range(number))


def _parts(language: Language, framing: str, tone: str, chance: random.Random) -> list[Sequence[str]]:
    """From which sentences a text is put together."""
    claims: dict[str, list[Sequence[str]]] = {
        "nationalist": [language.nationalist],
        "universalist": [language.universalist],
        "both": [language.nationalist, language.universalist],
        "neither": [language.neither],
    }
    body = list(claims[framing])
    if framing == "both":
        chance.shuffle(body)
        body.append(language.both)
    elif framing == "neither":
        body += [language.neither] if chance.random() < 0.6 else []
    else:
        if chance.random() < 0.18:
            turned_down = language.against_universalist if framing == "nationalist" else language.against_nationalist
            body.insert(0, turned_down)
        body += [claims[framing][0]] * chance.choice([1, 1, 2])
    if chance.random() < 0.1:
        body.insert(chance.randrange(len(body) + 1), language.neither)
    said = {HOSTILE: language.hostile, NEUTRAL: language.neutral, SUPPORTIVE: language.supportive}
    naming = [said[tone]] if tone else []
    if tone in {HOSTILE, SUPPORTIVE} and chance.random() < 0.6:
        naming.append(said[tone])
    middle = [*naming, *body] if chance.random() < 0.5 else [*body, *naming]
    return [language.openings, *middle, *([language.closings] if chance.random() < 0.55 else [])]


def write(taken: Iterable[str] = (), titles: Iterable[str] = (), seed: int = SEED) -> Iterator[Made]:
    """The everyday texts, in the order of days. The same seed gives the same texts.

    taken, titles: texts and titles that are there already; nothing of eight words in a row is said again.
    """
    chance = random.Random(seed)  # noqa: S311 (a simulation)
    known = {run for text in taken for run in runs(text)}
    there = set(titles)
    shelf = Shelf()
    writers = {code: Writer(load_language(code), chance, known, there) for code in LANGUAGES}
    planned = []
    for phase in PHASES:
        for group in phase.only:
            days = _days(phase, group, chance)
            lean = phase.lean if group == "kestrel" else -phase.lean
            framings, tones = _framings(len(days), lean, chance), _tones(len(days), phase, chance)
            places = [place for place in SITES[group] if phase.site in {"", place[0]}]
            for day, framing, tone in zip(days, framings, tones, strict=True):
                (where,) = chance.choices(places, [place[2] for place in places])
                planned.append((day, group, where[0], where[1], framing, tone, bool(phase.site)))
    planned.sort()
    for number, (day, group, site, code, framing, tone, flood) in enumerate(planned, start=1):
        # a chance of its own, so that a change of one text leaves the others as they are
        own = random.Random(f"{seed}:{number}")  # noqa: S311 (a simulation)
        writer = replace(writers[code], chance=own)
        language = writer.language
        parts = _parts(language, framing, tone, own)
        letter = tone == HOSTILE and own.random() < 0.6
        title = writer.title(language.letters if letter else language.titles, group)
        text = writer.text(parts, group)
        while len(text) < SHORTEST or shelf.nearest(text) > ALIKE:
            if len(text) < SHORTEST:
                parts = [parts[0], language.openings, *parts[1:], language.closings]
            text = writer.text(parts, group)
        writer.keep(text)
        shelf.add(text)
        yield Made(f"m{number:04}", site, group, day, code, title, text, framing, tone, flood)
