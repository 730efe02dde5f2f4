"""Rates of criticism as they were measured, kept with the texts and codings that they were made of."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from pipeline.measure.balance import Bools, Borrowed
from pipeline.measure.criticism import Audited, Hostility, hostility
from pipeline.measure.directed import VARIABLE, audited_cell, uncorrected_hostility
from pipeline.measure.publish import figure, publish_changed
from pipeline.monitor import Period
from pipeline.store.directed import CountKey, TotalKey
from pipeline.store.published import Figure, Key, newest_digests, pack
from pipeline.store.tables import Model

Ids = NDArray[np.int64]
Row = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Named:
    """The texts of A in a period that name B, and what their figures were made of."""

    cell: Audited
    documents: Ids
    """that hit an alias of B, count as naming B, or both"""
    audited: Bools
    """of them those that hit an alias, in the order of ``cell``"""
    named: Bools
    """of them those that count as naming it"""
    codings: tuple[int, ...]
    """ids of the random codings of the audited ones"""
    borrowed: Borrowed | None = None
    """what its hostile share took from other cells; null: it is no audit period"""

    @classmethod
    def nobody(cls, clusters: int) -> Named:
        """No text names B. clusters: different texts of A."""
        none = np.empty(0, dtype=bool)
        return cls(audited_cell(clusters, np.empty(0), [], None), np.empty(0, dtype=np.int64), none, none, ())


def rate_values(one: Named, audit: Period) -> dict[str, Any]:
    """What A's texts of a period say of B, in figures. Pure. audit: the kind of period that codings correct."""
    cell, lent = one.cell, one.borrowed
    if not cell.clusters:
        made = Hostility("none", why="it has no text in this period")
    else:
        made = hostility(cell, lent) if lent is not None else uncorrected_hostility(cell, audit)
    return {
        "named": int(np.count_nonzero(one.named)),
        "audited": cell.naming,
        "coded": cell.coded,
        "late": made.late,
        "hostile": float(np.nansum(cell.y)),
        "estimator": made.estimator,
        "hostile_share": made.share,
        "hostile_low": made.low,
        "hostile_high": made.high,
        "rate": made.rate,
        "low": made.rate_low,
        "high": made.rate_high,
        "why": made.why,
    }


def _packed(ids: Ids) -> str:
    return b64encode(pack(ids)).decode()


def _is_due(kind: str, end: date, audit: Period, today: date) -> bool:
    """Whether figures of a period are published: until it is over those of other kinds would be every day."""
    return kind == audit or end <= today


def _totals(
    totals: Mapping[TotalKey, Row], documents: Mapping[TotalKey, Ids], audit: Period, today: date
) -> Iterator[Figure]:
    for key, row in totals.items():
        group, kind, start = key
        if not _is_due(kind, row["end"], audit, today):
            continue
        yield figure(
            ("texts", group, kind, start),
            row["end"],
            {"clusters": row["clusters"]},
            documents=documents[key],
            codings=np.empty(0, dtype=np.int64),
            model=None,
        )


def _rates(
    totals: Mapping[TotalKey, Row],
    counts: Mapping[CountKey, Row],
    cells: Mapping[CountKey, Named],
    audit: Period,
    today: date,
    model: str | None,
) -> Iterator[Figure]:
    for key, row in counts.items():
        a, b, kind, start = key
        cell, total = cells[key], totals[a, kind, start]
        if not _is_due(kind, total["end"], audit, today):
            continue
        beside = {
            "a": a,
            "b": b,
            "clusters": total["clusters"],
            "audit": audit,
            "borrowed": asdict(cell.borrowed) if cell.borrowed is not None else None,
            # most texts that are named are audited too
            "named_only": _packed(cell.documents[cell.named & ~cell.audited]),
            "audited_only": _packed(cell.documents[cell.audited & ~cell.named]),
        }
        yield figure(
            ("criticism", f"{a}--{b}", kind, start),
            total["end"],
            {**row, **beside},
            documents=cell.documents,
            codings=np.array(cell.codings, dtype=np.int64),
            model=model,
        )


def publish_directed(
    session: Session,
    monitor: str,
    totals: Mapping[TotalKey, Row],
    documents: Mapping[TotalKey, Ids],
    counts: Mapping[CountKey, Row],
    cells: Mapping[CountKey, Named],
    *,
    audit: Period,
    model: Model | None,
    today: date,
    as_of: datetime,
) -> int:
    """Publish the numbers of texts and the rates that differ from the newest published ones; returns how many.

    documents: the texts behind each total. Where no text names the other any more that is published too. Of the kinds
    of period that codings do not correct they are published when the period is over. Does not commit.
    """
    sha256 = model.sha256 if model is not None else None
    before = newest_digests(session, monitor, ["texts"])
    made = _totals(totals, documents, audit, today)
    written = publish_changed(session, monitor, made, before, model=None, variable=VARIABLE, as_of=as_of)
    before = newest_digests(session, monitor, ["criticism"])
    gone = {
        (a, b, kind, start): Named.nobody(totals[a, kind, start]["clusters"])
        for a, b, kind, start in _directed(before)
        if (a, kind, start) in totals and (b, kind, start) in totals and (a, b, kind, start) not in counts
    }
    rates = _rates(
        totals,
        {**counts, **{key: rate_values(one, audit) for key, one in gone.items()}},
        {**cells, **gone},
        audit,
        today,
        sha256,
    )
    return written + publish_changed(session, monitor, rates, before, model=sha256, variable=VARIABLE, as_of=as_of)


def _directed(keys: Iterable[Key]) -> Iterator[CountKey]:
    """The cells of published rates; of a group whose name holds two dashes every way to read it."""
    for _, subject, kind, start in keys:
        for i in range(1, len(subject) - 1):
            if subject[i : i + 2] == "--":
                yield subject[:i], subject[i + 2 :], kind, start
