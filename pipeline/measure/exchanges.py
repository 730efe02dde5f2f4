"""How two groups answer and cite each other in one stretch of time, for the sheet of their dyad.

The same figures as the directed table's (docs/criticism.md), of one stretch only, so that not every text of a monitor
has to be read: first replies within it, and the texts that are cited in it most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
from sqlalchemy.orm import Session

from classifiers.text.mentions import Mentions
from pipeline.measure.attention import Citations, Prints, Vocabulary, most_cited, prints_of, replies
from pipeline.measure.directed import CitedText, names_of
from pipeline.measure.sensitivity import Stretch
from pipeline.monitor import Monitor
from pipeline.store.directed import OwnText, own_documents, texts_in_order

LOOK_BACK = timedelta(weeks=26)
"""A cited text may be so much older than the stretch."""
MOST_TEXTS = 20_000
"""own texts of all groups in that time, above which nothing is computed"""


class ExchangeError(ValueError):
    """What can't be computed, and why."""


@dataclass(frozen=True)
class Exchange:
    """How A answers and cites B in a stretch."""

    a: str
    b: str
    clusters: int
    """different texts of A"""
    naming: int
    """of them name B"""
    triggers: int
    """B's texts"""
    answered: int
    """of them followed, within the stretch, by a text of A that names B"""
    reply_days: float | None
    """median time to it, censored at the end of the stretch; null: fewer than half are followed"""
    usual_days: float | None
    """the same from any day of the stretch: a reply is quick only against this"""
    cited: tuple[CitedText, ...]
    """B's texts that A's texts of the stretch cite most"""


def _moment(day: date) -> np.datetime64:
    return np.datetime64(datetime.combine(day, time()), "us")


def _moments(texts: Sequence[OwnText]) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    return np.array([text.published_at.replace(tzinfo=None) for text in texts], dtype="datetime64[us]")


def exchanges(session: Session, monitor: Monitor, a: str, b: str, stretch: Stretch) -> tuple[Exchange, Exchange]:
    """How A answers and cites B in a stretch, and B A.

    A quotation belongs to the first text that has it among the own texts of all groups from half a year before the
    stretch on. Raises ExchangeError where those are more than 20,000, or none.
    """
    documents = own_documents(session, monitor.name, stretch.start - LOOK_BACK, stretch.end, MOST_TEXTS + 1)
    if len(documents) > MOST_TEXTS:
        raise ExchangeError(
            f"replies and citations: more than {MOST_TEXTS:,} texts from half a year before the stretch on; "
            "`riftwatch criticism` reads them all"
        )
    addresses: dict[int, list[str]] = {}
    for text in documents:
        addresses.setdefault(text.cluster, []).append(text.address)
    by_document = {text.document: text for text in documents if text.counts}
    if not by_document:
        raise ExchangeError("replies and citations: no text lies in the stretch or the half year before it")
    mentions, vocabulary = Mentions(names_of(monitor)), Vocabulary()
    texts: list[OwnText] = []
    prints: list[Prints] = []
    named: list[set[str]] = []
    for document, words in texts_in_order(session, list(by_document)):
        text = by_document[document]
        texts.append(text)
        prints.append(prints_of(words, text.title, vocabulary))
        named.append(set(mentions.named(words, text.group)))
    found = Citations([t.group for t in texts], prints, [addresses[t.cluster] for t in texts])
    pairs = (found.links(), found.titles(), found.quotes())

    def one_way(speaker: str, other: str) -> Exchange:
        inside = {i for i, t in enumerate(texts) if stretch.start <= t.published_at.date() < stretch.end}
        own = [i for i in sorted(inside) if texts[i].group == speaker]
        naming = [texts[i] for i in own if other in named[i]]
        triggers = [texts[i] for i in sorted(inside) if texts[i].group == other]
        days = np.arange(np.datetime64(stretch.start), np.datetime64(stretch.end)).astype("datetime64[us]")
        answer = replies(_moments(triggers), _moments(naming), days, _moment(stretch.end))
        cited_by = set(own)
        links, titles, quotes = (
            {(cited, by) for cited, by in some if by in cited_by and texts[cited].group == other} for some in pairs
        )
        cited = []
        for one in most_cited(links, titles, quotes):
            text = texts[one.text]
            day = text.published_at.date()
            cited.append(
                CitedText(text.document, text.title, text.address, day, one.by, one.links, one.titles, one.quotes)
            )
        return Exchange(
            speaker, other, len(own), len(naming), answer.triggers, answer.answered, answer.median, answer.usual,
            tuple(cited),
        )  # fmt: skip

    return one_way(a, b), one_way(b, a)
