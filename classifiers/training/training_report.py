"""What a model's card says: every figure of a fitted model beside its baselines, ready for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import sklearn

from classifiers.coding.examples import Examples
from classifiers.evaluation.baselines import commonest, held_out, plain
from classifiers.evaluation.compare import compare
from classifiers.evaluation.evaluate import confusion, figures
from classifiers.evaluation.judge import judge, understood
from classifiers.evaluation.learning_curve import learning_curve
from classifiers.heads import Floats
from classifiers.text.normalise import NORMALISATION
from classifiers.training.card import data_of
from classifiers.training.fitting import LARGE, Fitted, Says, fit, says, together

Figures = dict[str, Any]
COMMONEST, PLAIN = "commonest value", "TF-IDF words + logistic regression"


def _judge(fitted: Fitted, examples: Examples, p: Floats, baselines: Any) -> Figures:
    return judge(
        examples,
        p,
        heads=fitted.book.two_heads,
        balances=fitted.book.balances,
        training_balance=fitted.training_balance,
        base_rates=fitted.base_rates,
        baselines=baselines,
        replicates=fitted.settings.replicates,
        seed=fitted.settings.seed,
    )


def held_out_part(fitted: Fitted) -> tuple[Examples, Floats, Any]:
    """Own codings that some fold tests (where there are none, starter codings), what was said of them by models that
    had not seen them, and their indices."""
    size = len(fitted.own) or len(fitted.everything)
    tested = np.intersect1d(np.concatenate([test for _, test in fitted.folds]), np.arange(size))
    return fitted.everything.take(tested), fitted.out_of_fold[tested], tested


def cross_validated(fitted: Fitted) -> Figures | None:
    """Figures on the folds, beside baselines on the same folds; None where no own coding was held out.

    Of many codings the plain baseline is made for one fold only.
    """
    examples, p, tested = held_out_part(fitted)
    if not len(examples):
        return None
    everything, folds = fitted.everything, fitted.folds
    texts = [fitted.settings.prepare(row.text) for row in everything.rows]
    if len(everything) > LARGE:
        folds = folds[:1]
    baselines = {
        COMMONEST: commonest(everything.values, everything.weights, len(everything))[tested],
        PLAIN: held_out(texts, everything.values, everything.weights, folds)[tested],
    }
    return _judge(fitted, examples, p, baselines)


def on_random(
    fitted: Fitted, said: Floats, incumbent: Says | None, name: str, dyads: Sequence[tuple[str, str]] | None
) -> tuple[Figures | None, Figures | None]:
    """Figures on the random codings, and the comparison with the incumbent; None without either.

    Compared on those of which the incumbent can't have learnt either: texts that were coded for training, and drawn at
    random later, it may know.
    """
    audit, everything, settings = fitted.audit, fitted.everything, fitted.settings
    unseen = fitted.codings.unseen
    if not len(audit):
        return None, None
    texts, asked = ([settings.prepare(row.text) for row in part.rows] for part in (everything, audit))
    baselines = {
        COMMONEST: commonest(everything.values, everything.weights, len(audit)),
        PLAIN: plain(texts, everything.values, everything.weights, asked),
    }
    comparison = None
    if incumbent is not None:
        before = understood(incumbent(audit.texts), fitted.base_rates)
        baselines[name] = np.where(unseen, fitted.book.two_heads.labels(before), "")
    if incumbent is not None and unseen.any():
        fair = audit.take(unseen)
        comparison = {"incumbent": name, "left_out": int((~unseen).sum())} | compare(
            fair.rows,
            understood(said, fitted.base_rates)[unseen],
            before[unseen],
            heads=fitted.book.two_heads,
            balances=fitted.book.balances,
            weights=fair.weights,
            units=fair.units,
            dyads=dyads,
            replicates=settings.replicates,
            seed=settings.seed,
        )
    return _judge(fitted, audit, said, baselines), comparison


def curve(fitted: Fitted) -> list[Figures]:
    """The learning curve, starter codings always in; on random codings, or on held-out ones where there are none."""
    own, settings, book = fitted.own, fitted.settings, fitted.book

    def fit_and_say(training: Examples, tested: Examples) -> Floats:
        both = together(training, fitted.shipped, settings.starter_weight)
        classifier = fit(both, both.units, 2, book, settings)
        return understood(says(classifier, settings.prepare)(tested.texts), fitted.base_rates)

    if not settings.curve_repeats or not len(own):
        return []
    grouped = Examples(own.rows, own.weights, fitted.how.units[: len(own)])
    parts = [(grouped, fitted.audit)]
    if not len(fitted.audit):
        # in time, the last part is taught by most
        folds = fitted.folds[-1:] if fitted.how.by == "time" else fitted.folds
        inside = [(train[train < len(own)], test[test < len(own)]) for train, test in folds]
        parts = [(grouped.take(train), own.take(test)) for train, test in inside if len(train) and len(test)]
    if not parts:
        return []
    return learning_curve(parts, fit_and_say, book.two_heads, repeats=settings.curve_repeats, seed=settings.seed)


def rates_for_quantifiers(fitted: Fitted) -> dict[str, dict[str, float]]:
    """Cross-validated error rates of own codings; of all where those are on one side only; empty without either."""
    for examples in (fitted.own, fitted.everything):
        p = fitted.out_of_fold[: len(examples)]
        told = np.isfinite(p).all(axis=1)
        truth = fitted.book.two_heads.truth(examples.take(told).values)
        if truth.any(axis=0).all() and (~truth).any(axis=0).all():
            return confusion(examples.take(told).values, p[told], fitted.book.two_heads)
    return {}


def _evaluation(audited: Figures | None, fitted: Fitted) -> str:
    by = fitted.how.by
    if audited:
        return f"on {audited['texts']} random codings, none of which it learnt from"
    held = "earlier codings teach, later ones test" if by == "time" else f"no {by} on both sides"
    what = "cross-validated" if len(fitted.own) else "cross-validated on the starter codings"
    return f"{what} ({held}), not comparable with other models: there are no random codings"


def _limits(audited: Figures | None, crossed: Figures | None, own: Examples, starter: Examples) -> list[str]:
    said = [
        "The probabilities are about texts like those coded: of other sources, times and languages nothing is known."
    ]
    if not audited:
        said.append(
            "Nothing was evaluated on random codings. Cross-validated figures say how well the coded texts can be told "
            "apart, not how well the texts of your groups are; no two models can be compared by them."
        )
    judged = audited or crossed
    reached = judged["figures"]["macro_f1"]["value"] if judged else None
    simple = judged["baselines"].get(PLAIN, {}).get("macro_f1") if judged else None
    if reached is not None and simple is not None and simple > reached:
        said.append(
            f"The plain baseline does better here: macro-F1 {simple:.3f} against {reached:.3f}. Code more texts; from "
            "about 100 own codings on, also try a starter weight of 0."
        )
    if not len(own):
        said.append("It was trained on starter codings alone, which are no texts of your groups.")
    used = {row.value for row in own.rows}
    if len(used) == 1:
        said.append(
            f"All own codings are {used.pop()}: it learnt the other values from starter codings alone, and figures on "
            "own codings do not tell whether it knows them apart."
        )
    coded = {row.lang for row in [*own.rows, *starter.rows] if row.lang}
    if len(coded) == 1:
        said.append(f"It was trained on one language ({coded.pop()}); in others it knows no word.")
    return said


def card_of(
    fitted: Fitted,
    said: Floats,
    *,
    trained_at: datetime,
    incumbent: Says | None,
    incumbent_name: str,
    dyads: Sequence[tuple[str, str]] | None,
    agreement: Figures | None,
) -> Figures:
    """The whole card. ``said``, shape (n, 2): probabilities of the random codings."""
    own, shipped, audit, book, settings = fitted.own, fitted.shipped, fitted.audit, fitted.book, fitted.settings
    audited, comparison = on_random(fitted, said, incumbent, incumbent_name, dyads)
    crossed = cross_validated(fitted)
    shown, p = (audit, said) if audited else held_out_part(fitted)[:2]
    parameters = {name: value for name, value in fitted.classifier.get_params().items() if name != "heads"}
    return {
        "title": f"{book.variable} model",
        "variable": book.variable,
        "codebook_version": book.version,
        "trained_at": trained_at.isoformat(),
        "trained_on": f"{len(own)} own codings and {len(shipped)} starter codings",
        "codings": len(own),
        "languages": sorted({row.lang for row in fitted.everything.rows if row.lang}),
        "data": {
            "training": data_of(own.rows, book),
            "starter": data_of(shipped.rows, book),
            "random": data_of(audit.rows, book),
            "left_out": fitted.codings.left_out,
            "contradictions": fitted.codings.contradictions,
            "agreement": agreement,
        },
        "settings": {
            "split": fitted.how.by,
            "folds": len(fitted.how.folds),
            "units": len(np.unique(fitted.how.units)),
            "starter_weight": settings.starter_weight,
            "most": settings.most,
            "seed": settings.seed,
            "replicates": settings.replicates,
            "classifier": parameters,
        },
        "notes": fitted.how.notes,
        "comparable": audited is not None,
        "evaluation": _evaluation(audited, fitted),
        "random_sample": audited,
        "cross_validation": crossed,
        "comparison": comparison,
        "learning_curve": curve(fitted),
        "figures": figures(shown.values, understood(p, fitted.base_rates), book.two_heads) if len(shown) else {},
        "training_balance": fitted.training_balance,
        "confusion": rates_for_quantifiers(fitted),
        "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__, "normalisation": NORMALISATION},
        "limits": _limits(audited, crossed, own, shipped),
    }
