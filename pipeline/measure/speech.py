"""What a group's texts around two stretches of time say of another group, and whether criticism rose between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from classifiers.text.mask import Mask
from pipeline.measure.cells import Coded, earlier_of
from pipeline.measure.criticism import NotEnough, Rise, Window, rise
from pipeline.measure.directed import CriticismCodings, digests_of, names_of
from pipeline.measure.draws import is_in, sample_chances, unspoken
from pipeline.monitor import Monitor, Period
from pipeline.monitor.periods import Span, period_of, whole_periods
from pipeline.store.cells import first_copies
from pipeline.store.directed import texts_in_order
from pipeline.store.mentions import TextTowards, texts_towards

Days = tuple[date, date]
"""first day, first day after"""
LEAST_COUNTED = 0.5
"""share of its codings a window's test of a rise has to count without a flag: unequal chances make each count less"""


@dataclass(frozen=True)
class Speech:
    """The texts of A in some audit periods, which of them name B, and what coders said of those."""

    a: str
    b: str
    audit: Period
    """the period within which codings are a random sample"""
    texts: Sequence[TextTowards]
    """different ones, of whole audit periods, by publication"""
    audited: frozenset[int]
    """documents that hit an alias of B"""
    coded: Mapping[int, Coded]
    """cluster -> its random codings towards B; of other texts too"""
    collected: Mapping[int, datetime]
    """cluster -> when its first copy was; of all texts"""

    @property
    def coding_ids(self) -> list[int]:
        """Of the codings of these texts."""
        return [i for text in self.texts if text.cluster in self.coded for i in self.coded[text.cluster].ids]


def speech_of(session: Session, monitor: Monitor, a: str, b: str, windows: Sequence[Days]) -> Speech:
    """What A's texts say of B in whole audit periods around these stretches of time.

    Which texts name B is taken from what is kept of them; words are read only of texts in which nobody has looked for
    names yet. Raises ValueError for a window that holds no day, and for groups that the monitor does not have.
    """
    for group in (a, b):
        if group not in {g.id for g in monitor.groups}:
            raise ValueError(f"no group {group!r} in {monitor.name}")
    if a == b:
        raise ValueError(f"{a} and {b} are one group; a group is not asked about itself")
    for start, end in windows:
        if end <= start:
            raise ValueError(f"no day lies from {start} to before {end}")
    coded = CriticismCodings(session, monitor.name).towards(b)
    names = names_of(monitor)
    # how far codings reach is a matter of whole audit periods, of which a window may hold a part
    spans = [whole_periods(monitor.audit_period, *window) for window in windows]
    texts = texts_towards(session, monitor.name, a, b, digests_of(names)[a], spans)
    collected = first_copies(session, monitor.name, [text.cluster for text in texts])
    texts = [text for text in texts if text.cluster in collected]  # without those erased since
    audited = {text.document for text in texts if text.audited}
    mask = Mask(names[b])
    words = texts_in_order(session, [text.document for text in texts if text.audited is None])
    audited |= {document for document, text in words if mask.finds(text)}
    return Speech(a, b, monitor.audit_period, texts, frozenset(audited), coded, collected)


def rise_of(session: Session, monitor: Monitor, a: str, b: str, present: Days, reference: Days) -> Rise | NotEnough:
    """Whether A's hostile criticism of B is more frequent in ``present`` than in ``reference``.

    Raises ValueError as :func:`speech_of`, and for windows that overlap.
    """
    return rise_between(speech_of(session, monitor, a, b, (present, reference)), present, reference)


def rise_between(speech: Speech, present: Days, reference: Days) -> Rise | NotEnough:
    """Whether hostile criticism is more frequent in ``present`` than in ``reference``; both lie within the texts. Pure.

    Raises ValueError for windows that overlap.
    """
    named = [text for text in speech.texts if text.document in speech.audited]
    silences, chances = _silences(speech, named)
    own = [t for t in speech.texts if any(start <= t.day < end for start, end in (present, reference))]
    in_time = [t for t in own if not is_in(silences.get(_stratum(speech, t), ()), speech.collected[t.cluster])]
    windows = [_window(speech, in_time, span, chances) for span in (present, reference)]
    said = []
    if len(in_time) < len(own):
        said.append(
            f"{len(own) - len(in_time)} texts of {speech.a} arrived at a time that codings do not speak for and are "
            "left out"
        )
    strata = {_stratum(speech, t) for t in in_time if t.document in speech.audited}
    uncoded = sorted(span.label for span in strata if span not in silences)
    if uncoded and len(uncoded) < len(strata):
        said.append(f"nothing is coded in {', '.join(uncoded)}: its texts are taken to be like the coded ones")
    for window, name in zip(windows, ("present", "reference"), strict=True):
        if window.pi is not None and window.counted < LEAST_COUNTED * window.coded:
            inside = [t for t in in_time if window.start <= t.day < window.end and t.document in chances]
            rarest = _stratum(speech, min(inside, key=lambda text: chances[text.document]))
            said.append(
                f"the {window.coded} codings of the {name} count as {window.counted:.1f}, because their texts were "
                f"drawn with chances from {window.pi.min():.0%} to {window.pi.max():.0%}; code more texts of "
                f"{rarest.label}, of which some had the least chance"
            )
    return rise(speech.a, speech.b, windows[0], windows[1], said)


def _stratum(speech: Speech, text: TextTowards) -> Span:
    return period_of(speech.audit, text.day)


def _silences(
    speech: Speech, naming: Sequence[TextTowards]
) -> tuple[dict[Span, list[tuple[datetime, datetime]]], dict[int, float]]:
    """Audit period of which something is coded -> when texts came for which the coded ones do not speak.

    And coded document -> its inclusion probability, which differs by wave and audit period.
    """
    strata: dict[Span, list[TextTowards]] = {}
    for text in naming:
        strata.setdefault(_stratum(speech, text), []).append(text)
    made: dict[Span, list[tuple[datetime, datetime]]] = {}
    chances: dict[int, float] = {}
    for span, texts in strata.items():
        found = [speech.coded.get(text.cluster) for text in texts]
        draws = [one.draws if one else None for one in found]
        arrived = [speech.collected[text.cluster] for text in texts]
        if any(found):
            earlier = earlier_of(found)
            made[span] = unspoken(draws, arrived, earlier)
            pi = sample_chances(draws, arrived, [one.answered if one else None for one in found], earlier)
            chances |= {text.document: float(p) for text, p, one in zip(texts, pi, found, strict=True) if one}
    return made, chances


def _window(speech: Speech, own: Sequence[TextTowards], span: Days, chances: Mapping[int, float]) -> Window:
    inside = [text for text in own if span[0] <= text.day < span[1]]
    named = [text for text in inside if text.document in speech.audited]
    seen = sorted((text for text in named if text.cluster in speech.coded), key=lambda text: text.day)
    # a tie of coders is no hostile text until somebody settles it
    hostile = [text for text in seen if speech.coded[text.cluster].y > 0.5]
    others = [text for text in seen if speech.coded[text.cluster].y <= 0.5]
    pi = np.array([chances[text.document] for text in (*hostile, *others)], dtype=float)
    return Window(span[0], span[1], _days(inside), len(named), len(seen), _days(hostile), pi)


def _days(texts: Sequence[TextTowards]) -> Any:
    return np.sort(np.array([text.day for text in texts], dtype="datetime64[D]"))
