"""From codings to a model with its figures: what `riftwatch model train` and retraining both do. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import sklearn

from classifiers.baselines import Strings, commonest, held_out, plain
from classifiers.card import data_of
from classifiers.classifier import TextClassifier
from classifiers.codebook import Codebook
from classifiers.coding_table import CodingRow
from classifiers.compare import compare
from classifiers.evaluate import confusion, figures, training_balance
from classifiers.examples import Examples, Sorted, sort_codings
from classifiers.features import Row
from classifiers.heads import Floats
from classifiers.judge import judge
from classifiers.learning_curve import learning_curve
from classifiers.normalise import NORMALISATION
from classifiers.splits import By, Split, split
from classifiers.starter import StarterCoding, StarterError, load_starter

Says = Callable[[Sequence[Row]], Floats]
"""texts -> probabilities of the two heads, shape (n, 2)"""
PROBES = 25
LARGE = 20_000
"""codings; above, one fold in two is held out instead of one in five, and the baseline is fitted on one fold alone"""


@dataclass(frozen=True)
class Training:
    """How to train and evaluate."""

    split: By | None = None
    """None: by source, group or cluster, whichever is told"""
    folds: int = 5
    seed: int = 0
    starter_weight: float = 0.2
    """what a starter coding counts beside one of your own (``python -m benchmarks.training --starter``)"""
    replicates: int = 1000
    """of the bootstrap"""
    curve_repeats: int = 3
    """of the learning curve; 0: none"""
    classifier: dict[str, Any] = field(default_factory=dict)
    """parameters of TextClassifier that differ from its defaults"""


@dataclass(frozen=True)
class Trained:
    """A fitted model and everything that is known of it."""

    classifier: TextClassifier
    card: dict[str, Any]
    """figures and data, ready for JSON; :func:`classifiers.card.card_pages` writes them out in words"""
    training: Examples
    """own codings it learnt from"""
    out_of_fold: Floats
    """shape (n, 2): probabilities of ``training`` by models that have not seen their unit; NaN where no model of the
    split could say (split by time: the earliest part)"""
    audit: Examples
    """random codings, never learnt from; may be empty"""
    audit_said: Floats
    """shape (n, 2): probabilities of ``audit``"""
    confusion: dict[str, dict[str, float]]
    training_balance: float


def says(classifier: TextClassifier) -> Says:
    """The classifier as what gives probabilities of heads."""
    return classifier.predict_heads


def starter_rows(starter: Sequence[StarterCoding]) -> list[CodingRow]:
    """Starter codings as codings; their tradition is their source, so that none is on both sides of a split."""
    return [
        CodingRow(
            text=coding.text,
            value=coding.value,
            before=coding.before,
            after=coding.after,
            source=coding.tradition,
            lang=coding.lang,
            target=coding.target,
            draw="starter",
        )
        for coding in starter
    ]


def _check(codings: Sorted, book: Codebook, starters: int) -> None:
    """Refuse in words what can't be trained on."""
    for row in [*codings.training.rows, *codings.audit.rows]:
        if row.value not in book.names:
            raise ValueError(f"unknown value {row.value!r} of {book.variable}; write one of {', '.join(book.names)}")
    training, audit = len(codings.training), len(codings.audit)
    if training or (starters and audit):
        return
    if audit:
        raise ValueError(
            f"all {audit} usable codings were drawn at random (draw = random): they evaluate and never train. Code "
            "texts of another draw as well (active, import), or give starter codings"
        )
    why = "; ".join(f"{number} {reason}" for reason, number in codings.left_out.items())
    raise ValueError(f"no codings to train {book.variable} on{f' ({why})' if why else ''}; code some texts")


def _together(own: Examples, starter: Examples, weight: float) -> Examples:
    return Examples(
        own.rows + starter.rows,
        np.concatenate([own.weights, weight * starter.weights]),
        np.concatenate([own.units, starter.units + own.units.max(initial=-1) + 1]),
    )


def fit(examples: Examples, how: Split, book: Codebook, settings: Training) -> TextClassifier:
    """A classifier of ``examples`` whose calibration holds out the units of the split."""
    classifier = TextClassifier(book.two_heads, folds=max(2, len(how.folds)), random_state=settings.seed)
    classifier.set_params(**settings.classifier)
    return classifier.fit(examples.texts, examples.values, how.units.astype(str).tolist(), examples.weights)


def _out_of_fold(
    classifier: TextClassifier, examples: Examples, how: Split, book: Codebook, settings: Training
) -> Floats:
    """Shape (n, 2): by models that have not seen the text's unit, nor, split by time, anything later."""
    if how.by != "time":
        made: Floats = classifier.out_of_fold_
        return made
    made = np.full((len(examples), 2), np.nan)
    for train, test in how.folds:
        earlier = examples.take(train)
        inner = split(earlier.rows, earlier.values, book.two_heads, "cluster", settings.folds, settings.seed)
        fitted = fit(earlier, inner, book, settings)
        made[test] = says(fitted)([examples.rows[i].row for i in test])
    return made


def _folds(classifier: TextClassifier, how: Split, n: int) -> list[tuple[Any, Any]]:
    """The folds that the out-of-fold probabilities are of."""
    if how.by == "time":
        return how.folds
    fold_of = classifier.fold_of_
    made = [(np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)) for fold in np.unique(fold_of)]
    return made[:1] if n > LARGE else made


def _baselines(everything: Examples, folds: list[tuple[Any, Any]]) -> dict[str, Strings]:
    """What the baselines say of every row that some fold tests."""
    texts = [row.text for row in everything.rows]
    return {
        "commonest value": commonest(everything.values, everything.weights, len(everything)),
        "TF-IDF words + logistic regression": held_out(texts, everything.values, everything.weights, folds),
    }


def _curve(
    own: Examples, starter: Examples, audit: Examples, how: Split, book: Codebook, settings: Training
) -> list[dict[str, Any]]:
    def fit_and_say(training: Examples, tested: Examples) -> Floats:
        both = _together(training, starter, settings.starter_weight)
        classifier = TextClassifier(book.two_heads, random_state=settings.seed).set_params(**settings.classifier)
        classifier.set_params(folds=2)
        units = both.units.astype(str).tolist()
        return says(classifier.fit(both.texts, both.values, units, both.weights))(tested.texts)

    units = how.units[: len(own)]
    grouped = Examples(own.rows, own.weights, units)
    parts = [(grouped, audit)]
    if not len(audit):
        inside = [(train[train < len(own)], test[test < len(own)]) for train, test in how.folds]
        parts = [(grouped.take(train), own.take(test)) for train, test in inside if len(train) and len(test)]
    return learning_curve(parts, fit_and_say, book.two_heads, repeats=settings.curve_repeats, seed=settings.seed)


def train(
    codings: Sequence[CodingRow],
    book: Codebook,
    *,
    trained_at: datetime,
    starter: Sequence[StarterCoding] = (),
    incumbent: Says | None = None,
    incumbent_name: str = "incumbent",
    dyads: Sequence[tuple[str, str]] | None = None,
    agreement: dict[str, Any] | None = None,
    settings: Training = Training(),
) -> Trained:
    """Train on all codings but the random ones and what hangs on them, and evaluate on the random ones.

    ``starter`` codings are added with ``settings.starter_weight``. ``incumbent`` says probabilities of texts; the new
    model is compared with it on the random codings. Texts must have been prepared (names masked) by the caller, for the
    incumbent as well. ``agreement`` of coders goes into the card as it is. Raises ValueError, in words, where the
    codings can't train a model.
    """
    codings_by_use = sort_codings([*codings, *starter_rows(starter)] if settings.starter_weight else codings)
    heads, audit = book.two_heads, codings_by_use.audit
    is_starter = np.array([row.draw == "starter" for row in codings_by_use.training.rows], dtype=bool)
    own, shipped = codings_by_use.training.take(~is_starter), codings_by_use.training.take(is_starter)
    _check(codings_by_use, book, len(shipped))
    everything = _together(own, shipped, settings.starter_weight or 1.0)
    number = settings.folds if len(everything) <= LARGE else 2
    how = split(everything.rows, everything.values, heads, settings.split, number, settings.seed)
    classifier = fit(everything, how, book, settings)
    out_of_fold = _out_of_fold(classifier, everything, how, book, settings)

    judged_on = own if len(own) else everything
    balance = training_balance(everything.values, book.balances)
    tested = np.isfinite(out_of_fold[: len(judged_on), 0])
    common: dict[str, Any] = {
        "heads": heads, "balances": book.balances, "training_balance": balance,
        "replicates": settings.replicates, "seed": settings.seed,
    }  # fmt: skip
    held = _baselines(everything, _folds(classifier, how, len(everything)))
    cross_validated = judge(
        judged_on.take(tested),
        out_of_fold[: len(judged_on)][tested],
        baselines={name: said[: len(judged_on)][tested] for name, said in held.items()},
        **common,
    ) if tested.any() else None  # fmt: skip
    audit_said = says(classifier)(audit.texts) if len(audit) else np.empty((0, 2))
    audited, comparison = None, None
    if len(audit):
        texts, asked = [row.text for row in everything.rows], [row.text for row in audit.rows]
        baselines = {
            "commonest value": commonest(everything.values, everything.weights, len(audit)),
            "TF-IDF words + logistic regression": plain(texts, everything.values, everything.weights, asked),
        }
        if incumbent is not None:
            before = incumbent(audit.texts)
            baselines[incumbent_name] = heads.labels(before)
            comparison = {"incumbent": incumbent_name} | compare(
                audit.rows, audit_said, before, heads=heads, balances=book.balances, weights=audit.weights,
                units=audit.units, dyads=dyads, replicates=settings.replicates, seed=settings.seed,
            )  # fmt: skip
        audited = judge(audit, audit_said, baselines=baselines, **common)
    shown = (
        (audit.values, audit_said)
        if audited
        else (judged_on.take(tested).values, out_of_fold[: len(judged_on)][tested])
    )
    rates = _rates(judged_on, everything, out_of_fold, book)
    card = {
        "title": f"{book.variable} model",
        "variable": book.variable,
        "codebook_version": book.version,
        "trained_at": trained_at.isoformat(),
        "trained_on": f"{len(own)} own codings and {len(shipped)} starter codings",
        "codings": len(own),
        "languages": sorted({row.lang for row in everything.rows if row.lang}),
        "data": {
            "training": data_of(own.rows, book),
            "starter": data_of(shipped.rows, book),
            "random": data_of(audit.rows, book),
            "left_out": codings_by_use.left_out,
            "contradictions": codings_by_use.contradictions,
            "agreement": agreement,
        },
        "settings": {
            "split": how.by, "folds": len(how.folds), "units": len(np.unique(how.units)),
            "starter_weight": settings.starter_weight, "seed": settings.seed, "replicates": settings.replicates,
            "classifier": {name: value for name, value in classifier.get_params().items() if name != "heads"},
        },
        "notes": how.notes,
        "comparable": audited is not None,
        "evaluation": _evaluation(audited, how),
        "random_sample": audited,
        "cross_validation": cross_validated,
        "comparison": comparison,
        "learning_curve": _curve(own, shipped, audit, how, book, settings) if settings.curve_repeats else [],
        "figures": figures(shown[0], shown[1], heads) if len(shown[0]) else {},
        "training_balance": balance,
        "confusion": rates,
        "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__, "normalisation": NORMALISATION},
        "limits": _limits(audited, own, shipped),
    }  # fmt: skip
    return Trained(classifier, card, own, out_of_fold[: len(own)], audit, audit_said, rates, balance)


def _rates(own: Examples, everything: Examples, out_of_fold: Floats, book: Codebook) -> dict[str, dict[str, float]]:
    """Rates for quantifiers, of own codings; where those have one side only, of all."""
    for examples in (own, everything):
        p = out_of_fold[: len(examples)]
        told = np.isfinite(p[:, 0])
        truth = book.two_heads.truth(examples.take(told).values)
        if truth.any(axis=0).all() and (~truth).any(axis=0).all():
            return confusion(examples.take(told).values, p[told], book.two_heads)
    return {}


def _evaluation(audited: dict[str, Any] | None, how: Split) -> str:
    by = "earlier codings on later ones" if how.by == "time" else f"no {how.by} on both sides"
    if audited:
        return f"on {audited['texts']} random codings, none of which it learnt from"
    return f"cross-validated ({by}), not comparable with other models: there are no random codings"


def _limits(audited: dict[str, Any] | None, own: Examples, starter: Examples) -> list[str]:
    said = [
        "The probabilities are about texts like those coded: of other sources, times and languages nothing is known."
    ]
    if not audited:
        said.append(
            "Nothing was evaluated on random codings. Cross-validated figures say how well the coded texts can be told "
            "apart, not how well the texts of your groups are; no two models can be compared by them."
        )
    if not len(own):
        said.append("It was trained on starter codings alone, which are no texts of your groups.")
    coded = {row.lang for row in [*own.rows, *starter.rows] if row.lang}
    if len(coded) == 1:
        said.append(f"It was trained on one language ({coded.pop()}); in others it knows no word.")
    return said


def probe_texts(book: Codebook) -> list[tuple[str, str, str]]:
    """Texts whose probabilities are kept with a model and made again when it is loaded: starter codings of the
    codebook, or of the first one. Never texts of a source: a model folder must not outlive an erased text."""
    try:
        found = load_starter(book)
    except StarterError:
        found = load_starter()
    return [coding.row for coding in found[:: max(1, len(found) // PROBES)]][:PROBES]
