"""The vintage series: every figure is kept as it was published, with the texts and codings it was made of."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from hashlib import blake2b
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from classifiers.codebook import codebook_of
from pipeline.environment import code_version
from pipeline.measure.balance import Borrowed
from pipeline.monitor import Period
from pipeline.store.cells import VARIABLE
from pipeline.store.published import Figure, Key, append, newest_digests
from pipeline.store.tables import Model

Row = Mapping[str, Any]
CellKey = tuple[str, Period, date]
"""group, period kind, first day"""

_AT_ONCE = 5_000
"""figures that are held with all that they were made of"""
_VALUES = ("balance", "gap", "state", "rate")
"""what a figure is about"""
_NAMES = frozenset({"group_id", "a", "b", "period", "start", "end", "model_id"})
"""columns that say which figure it is"""
_WORDS = ("flags", "missing")
"""columns that may change every day (a source was last collected on ...) while the figure stays"""


@dataclass(frozen=True)
class Basis:
    """What a group's cell was made of."""

    documents: NDArray[np.int64]
    """ids of the different texts"""
    codings: tuple[int, ...]
    borrowed: Borrowed | None
    """what its balance took from the other cells; null where nothing is corrected"""


def figure(
    key: Key,
    end: date,
    figures: Mapping[str, Any],
    *,
    documents: NDArray[np.int64],
    codings: NDArray[np.int64],
    model: str | None,
    words: Collection[str] = (),
) -> Figure:
    """A figure with what it was made of. words: of ``figures`` those that may differ while it stays the same one."""
    said = json.dumps([model, {k: v for k, v in figures.items() if k not in words}], sort_keys=True)
    made = blake2b(said.encode(), digest_size=16)
    for ids in (documents, codings):
        made.update(len(ids).to_bytes(8, "little") + np.sort(ids).tobytes())
    return Figure(key, end, dict(figures), made.hexdigest(), documents, codings)


def _figure(
    kind: str, subject: str, row: Row, bases: Sequence[Basis], borrowed: dict[str, Any], model: str | None
) -> Figure:
    return figure(
        (kind, subject, row["period"], row["start"]),
        row["end"],
        {name: value for name, value in row.items() if name not in _NAMES} | {"borrowed": borrowed},
        documents=np.concatenate([basis.documents for basis in bases]),
        codings=np.array([i for basis in bases for i in basis.codings], dtype=np.int64),
        model=model,
        words=_WORDS,
    )


def _lent(basis: Basis) -> dict[str, Any] | None:
    return asdict(basis.borrowed) if basis.borrowed is not None else None


def figures_of(
    trends: Sequence[Row], gaps: Sequence[Row], bases: Mapping[CellKey, Basis], model: str | None
) -> Iterator[Figure]:
    """The figures of a measurement, each with what it was made of. Pure."""
    for row in trends:
        group = row["group_id"]
        basis = bases[group, row["period"], row["start"]]
        yield _figure("trend", group, row, [basis], {group: _lent(basis)}, model)
    for row in gaps:
        a, b = (bases[row[side], row["period"], row["start"]] for side in ("a", "b"))
        yield _figure("gap", f"{row['a']}--{row['b']}", row, [a, b], {row["a"]: _lent(a), row["b"]: _lent(b)}, model)


def _says_something(figure: Figure) -> bool:
    value = next((figure.figures[name] for name in _VALUES if name in figure.figures), None)
    return value is not None or len(figure.documents) > 0


def publish_changed(
    session: Session,
    monitor: str,
    figures: Iterable[Figure],
    before: Mapping[Key, str],
    *,
    model: str | None,
    variable: str,
    as_of: datetime,
) -> int:
    """Publish the figures that differ from the newest published ones; returns how many. Does not commit.

    before: digests of the newest ones of these kinds. One that says nothing, of no text, is published only where there
    was one before. model: sha256 of the model they were made with. variable: whose codebook.
    """
    fresh = (
        one for one in figures if before.get(one.key) != one.digest and (one.key in before or _says_something(one))
    )
    published = 0
    while some := list(islice(fresh, _AT_ONCE)):
        append(
            session,
            monitor,
            some,
            as_of=as_of,
            model=model,
            codebook_version=codebook_of(variable).version,
            code_version=code_version(),
        )
        published += len(some)
    return published


def publish(
    session: Session,
    monitor: str,
    trends: Sequence[Row],
    gaps: Sequence[Row],
    bases: Mapping[CellKey, Basis],
    model: Model | None,
    *,
    as_of: datetime,
) -> int:
    """Publish the figures that differ from the newest published ones; returns how many. Does not commit.

    A cell without texts is published only where it had some before. Call it within the transaction that writes the
    trends, after them: another measurement then waits, and finds these.
    """
    if not trends and not gaps:
        return 0
    sha256 = model.sha256 if model is not None else None
    figures = figures_of(trends, gaps, bases, sha256)
    before = newest_digests(session, monitor, ["trend", "gap"])
    return publish_changed(session, monitor, figures, before, model=sha256, variable=VARIABLE, as_of=as_of)
