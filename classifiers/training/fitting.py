"""From codings to a fitted classifier, and to what models that had not seen a text say of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from classifiers.codebook import Codebook
from classifiers.coding.coding_table import CodingRow
from classifiers.coding.examples import Examples, Sorted, sort_codings
from classifiers.coding.splits import By, Fold, Ints, Split, split
from classifiers.heads import Floats
from classifiers.model.classifier import TextClassifier
from classifiers.model.passages import score_texts
from classifiers.starter import StarterCoding
from classifiers.text.features import Prepare, Row, featurise

Says = Callable[[Sequence[Row]], Floats]
"""texts -> probabilities of the two heads, shape (n, 2)"""
LARGE = 20_000
"""codings; above, half of them are held out at a time instead of a fifth"""


@dataclass(frozen=True)
class Training:
    """How to train and evaluate."""

    split: By | None = None
    """None: by source, group or cluster, whichever is told"""
    folds: int = 5
    seed: int = 0
    starter_weight: float = 0.2
    """what a starter coding counts beside one of your own (``python -m benchmarks.training --starter``)"""
    most: int = 50_000
    """own codings that train; of more, so many are drawn by lot"""
    replicates: int = 1000
    """of the bootstrap"""
    curve_repeats: int = 3
    """of the learning curve; 0: none"""
    classifier: dict[str, Any] = field(default_factory=dict)
    """parameters of TextClassifier that differ from its defaults"""
    prepare: Prepare = str
    """takes names out of texts (:class:`classifiers.text.mask.Mask`)"""


@dataclass(frozen=True)
class Fitted:
    """A classifier, what it learnt from, and what is held out."""

    classifier: TextClassifier
    book: Codebook
    settings: Training
    codings: Sorted
    own: Examples
    """training codings that are no starter codings"""
    shipped: Examples
    """starter codings"""
    everything: Examples
    """both, in this order, a starter coding with its weight"""
    how: Split
    """of ``everything``"""
    out_of_fold: Floats
    """shape (n, 2), of ``everything``; NaN where no fold tested, or no word was understood"""

    @property
    def audit(self) -> Examples:
        """Random codings: no text of theirs was learnt from."""
        return self.codings.audit

    @property
    def base_rates(self) -> Floats:
        """Shape (2,): share of yes per head, what one would say of any text."""
        truth = self.book.two_heads.truth(self.everything.values)
        made: Floats = np.average(truth, axis=0, weights=self.everything.weights)
        return made

    @property
    def training_balance(self) -> float:
        """Mean balance of what it learnt from."""
        balances = [self.book.balances[value] for value in self.everything.values]
        return float(np.average(balances, weights=self.everything.weights))

    @property
    def folds(self) -> list[Fold]:
        """The folds that ``out_of_fold`` is of."""
        if self.how.by == "time":
            return self.how.folds
        fold_of = self.classifier.fold_of_
        return [(np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)) for fold in np.unique(fold_of)]


def says(classifier: TextClassifier, prepare: Prepare = str) -> Says:
    """The classifier as what gives probabilities of whole texts, as `riftwatch frame` does; NaN: no word understood."""
    return lambda rows: score_texts(classifier, rows, prepare)[0]


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
    why = "; ".join(f"{number} {reason}" for reason, number in codings.left_out.items())
    if audit:
        raise ValueError(
            f"all {audit} usable codings were drawn at random (draw = random): they evaluate and never train. Code "
            f"texts of another draw as well (active, import), or give starter codings{f' ({why})' if why else ''}"
        )
    raise ValueError(f"no codings to train {book.variable} on{f' ({why})' if why else ''}; code some texts")


def together(own: Examples, starter: Examples, weight: float) -> Examples:
    """Own and starter codings as one set, the latter with ``weight`` each."""
    return Examples(
        own.rows + starter.rows,
        np.concatenate([own.weights, weight * starter.weights]),
        np.concatenate([own.units, starter.units + own.units.max(initial=-1) + 1]),
    )


def fit(examples: Examples, units: Ints, folds: int, book: Codebook, settings: Training) -> TextClassifier:
    """A classifier of ``examples`` whose calibration holds out ``units``, shape (n,)."""
    classifier = TextClassifier(book.two_heads, random_state=settings.seed)
    classifier.set_params(**settings.classifier | {"folds": folds})
    features = featurise(examples.texts, settings.prepare, context=classifier.context_weight > 0)
    classifier.fit(features, examples.values, units.astype(str).tolist(), examples.weights)
    return classifier


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
        fitted = fit(earlier, inner.units, len(inner.folds), book, settings)
        made[test] = says(fitted, settings.prepare)([examples.rows[i].row for i in test])
    return made


def fit_codings(
    codings: Sequence[CodingRow], book: Codebook, starter: Sequence[StarterCoding], settings: Training
) -> Fitted:
    """The classifier of all codings that may train. Raises ValueError, in words, where they can't."""
    if settings.starter_weight:
        codings = [*codings, *starter_rows(starter)]
    found = sort_codings(codings)
    is_starter = np.array([row.draw == "starter" for row in found.training.rows], dtype=bool)
    own, shipped = found.training.take(~is_starter), found.training.take(is_starter)
    _check(found, book, len(shipped))
    if len(own) > settings.most:
        lot = np.sort(np.random.default_rng(settings.seed).permutation(len(own))[: settings.most])
        found.left_out[f"beyond the {settings.most} drawn by lot to train"] = len(own) - settings.most
        own = own.take(lot)
    everything = together(own, shipped, settings.starter_weight or 1.0)
    number = settings.folds if len(everything) <= LARGE else 2
    how = split(everything.rows, everything.values, book.two_heads, settings.split, number, settings.seed)
    # forward in time is for judging; the model itself learns from all, calibrated on held-out units
    inner = number if how.by == "time" else len(how.folds)
    classifier = fit(everything, how.units, inner, book, settings)
    out_of_fold = _out_of_fold(classifier, everything, how, book, settings)
    return Fitted(classifier, book, settings, found, own, shipped, everything, how, out_of_fold)
