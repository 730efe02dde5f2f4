"""Two models of the store on the random codings there are now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from classifiers.codebook import codebook_of
from classifiers.coding.examples import sort_codings
from classifiers.evaluation.compare import compare
from classifiers.evaluation.judge import understood
from classifiers.training.train import says
from pipeline.framing.promote import PromotionError
from pipeline.framing.retrain import dyads_of, rows_of
from pipeline.framing.starter import open_model
from pipeline.monitor import Monitor
from pipeline.monitors import load_monitors
from pipeline.settings import Settings
from pipeline.store.models import model_named
from pipeline.store.session import open_session
from pipeline.store.training import coded_texts, copies_of_coded


def compare_models(
    settings: Settings, old: str, new: str, *, monitors: Sequence[Monitor] = ()
) -> tuple[dict[str, Any], list[str]]:
    """What :func:`classifiers.evaluation.compare.compare` says of two models by name, and which codings were left out.

    On random codings whose texts were not coded for training as well: one of the two may know them. Raises
    PromotionError in words.
    """
    with open_session(settings) as session:
        rows = [model_named(session, name) for name in (old, new)]
        for name, row in zip((old, new), rows, strict=True):
            if row is None:
                raise PromotionError(f"there is no model {name} (`riftwatch model list`)")
        one, two = (row for row in rows if row is not None)
        if one.variable != two.variable:
            raise PromotionError(f"{old} judges {one.variable} and {new} {two.variable}; compare like with like")
        book = codebook_of(one.variable)
        coded, copies = list(coded_texts(session, book.variable)), copies_of_coded(session, book.variable)
        models = [open_model(settings, settings.models / row.name, row.sha256) for row in (one, two)]
    known = {m.name: m for m in [*load_monitors(settings.monitor_files()).monitors.values(), *monitors]}
    codings, problems = rows_of(coded, known, book, copies)
    found = sort_codings(codings)
    audit = found.audit.take(found.unseen)
    if not len(audit):
        raise PromotionError(
            "there are no random codings to compare on whose texts were not coded for training as well; "
            "code texts of a queue's random part"
        )
    if learnt := len(found.audit) - len(audit):
        problems.append(f"{learnt} random codings are left out: their texts were coded for training as well")
    heads = book.two_heads
    base = np.average(heads.truth(audit.values), axis=0, weights=audit.weights)
    before, after = (understood(says(model.classifier)(audit.texts), base) for model in models)
    made = compare(
        audit.rows,
        after,
        before,
        heads=heads,
        balances=book.balances,
        weights=audit.weights,
        units=audit.units,
        dyads=dyads_of(known.values(), {c.monitor for c in coded}),
    )
    return made, problems
