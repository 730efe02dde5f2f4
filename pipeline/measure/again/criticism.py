"""Numbers of texts and rates of criticism made again."""

from __future__ import annotations

from base64 import b64decode

import numpy as np
from sqlalchemy.orm import Session

from pipeline.measure.again.balances import period_kind
from pipeline.measure.again.compare import Made, compared
from pipeline.measure.balance import Borrowed
from pipeline.measure.directed import CriticismCodings, audited_cell
from pipeline.measure.publish_directed import Named, rate_values
from pipeline.store.cells import first_copies
from pipeline.store.directed import audited_again, own_again
from pipeline.store.published import model_of, newest_vintage, unpack
from pipeline.store.tables import Published


def texts_again(session: Session, row: Published) -> Made:
    """How many of the counted texts are still the group's of that period."""
    there = own_again(session, unpack(row.documents).tolist(), row.subject, (row.start, row.end))
    return compared(row.figures, {"clusters": len(there)}, ["clusters"])


def criticism_again(session: Session, row: Published) -> Made:
    """What a group's texts say of another, from the texts that name it and their codings."""
    figures, audit = row.figures, period_kind(row.figures["audit"])
    a, b = figures["a"], figures["b"]
    days = (row.start, row.end)
    documents = np.array(own_again(session, unpack(row.documents).tolist(), a, days), dtype=np.int64)
    named_only, audited_only = (unpack(b64decode(figures[name])) for name in ("named_only", "audited_only"))
    model = model_of(session, row.model)
    chosen = np.setdiff1d(documents, named_only).tolist()
    audited = audited_again(session, chosen, a, days, model_id=model.id if model else None, target=b)
    codings = set(unpack(row.codings).tolist())
    coded = CriticismCodings(session, row.monitor, only=codings, at=row.as_of).towards(b) if codings else {}
    found = [coded.get(text.cluster) for text in audited]
    times = None
    if any(found):
        first = first_copies(session, row.monitor, [text.cluster for text in audited])
        times = [first[text.cluster] for text in audited]
    f = np.array([np.nan if text.p is None else text.p for text in audited], dtype=float)
    lent = figures["borrowed"]
    again = Named(
        audited_cell(figures["clusters"], f, found, times),
        documents,
        audited=np.isin(documents, named_only, invert=True),
        named=np.isin(documents, audited_only, invert=True),
        codings=tuple(codings),
        borrowed=Borrowed(**lent) if lent is not None else None,
    )
    values = rate_values(again, audit)
    made = compared(figures, values, list(values))
    counted = newest_vintage(session, row.monitor, ("texts", a, row.period, row.start), until=row.as_of)
    if counted is None:
        return made.with_others(Made((), True, (f"how many texts {a} has: no figure of them was published",)))
    texts = compared(figures, counted.figures, ["clusters"]).with_others(texts_again(session, counted))
    return made.with_others(texts.called(f"texts of {a}"))
