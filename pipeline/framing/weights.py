"""What a random coding weighs when a model is evaluated: one over the probability that any queue drew its text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from math import prod
from statistics import fmean

from pipeline.framing.codings.fields import CLOSED_LIST
from pipeline.monitor import Monitor
from pipeline.monitor.periods import period_of
from pipeline.store.training import CodedText

_Stratum = tuple[str, str, str | None, date | None]


def _stratum(coded: CodedText, monitors: Mapping[str, Monitor]) -> _Stratum:
    kind = monitors[coded.monitor].audit_period
    start = period_of(kind, coded.published_at.date()).start if coded.published_at else None
    return coded.monitor, coded.target, coded.group, start


def audit_weights(coded: Sequence[CodedText], monitors: Mapping[str, Monitor]) -> list[float]:
    """Weight of each coding; 1 of those that were not drawn at random. Pure.

    pi = 1 - prod(1 - pi_draw) over all draws from the text's stratum (group, audit period, target) when it was there,
    which measuring starts from; a draw that passed it over counts with its mean probability. With the probability of
    its own queue alone, strata that several queues drew from would weigh too much. ``monitors``: has all of the
    codings'.
    """
    strata = {i: _stratum(c, monitors) for i, c in enumerate(coded) if c.draw == "random" and c.probability}
    said: dict[_Stratum, dict[datetime, list[float]]] = defaultdict(lambda: defaultdict(list))
    own: dict[tuple[_Stratum, str], dict[datetime, float]] = defaultdict(dict)
    for i, stratum in strata.items():
        one = coded[i]
        said[stratum][one.drawn_at].append(one.probability or 1.0)
        own[stratum, one.address][one.drawn_at] = one.probability or 1.0
    usual = {stratum: {at: fmean(each) for at, each in draws.items()} for stratum, draws in said.items()}
    weights = [1.0] * len(coded)
    for i, stratum in strata.items():
        mine, there = own[stratum, coded[i].address], coded[i].collected_at
        chances = [
            mine.get(drawn_at, probability)
            for drawn_at, probability in usual[stratum].items()
            if drawn_at in mine or drawn_at == CLOSED_LIST or there <= drawn_at
        ]
        weights[i] = 1 / (1 - prod(1 - chance for chance in chances))
    return weights
