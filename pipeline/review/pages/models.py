"""The pages of the models: every version, one model's card, and how a retraining is started."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from classifiers.codebook import codebooks
from pipeline.framing.promote import standings_of
from pipeline.review import model_charts, model_words
from pipeline.review.asked import monitor_of, names_of, settings_of
from pipeline.review.charts import drawn
from pipeline.review.html import page
from pipeline.store.bridges import MOST_CELLS, newest_cells
from pipeline.store.cells import VARIABLE
from pipeline.store.models import decisions_on, model_named, models_of, undecided
from pipeline.store.session import open_session
from pipeline.store.training import codings_since_training

router = APIRouter()

MODELS_SHOWN = 50
"""models of a codebook, and decisions, on a page; `riftwatch model list` and `model show` have all"""
CELLS_SHOWN = 60
"""cells of a bridge on a page; the file has all"""


@router.get("/ui/m/{monitor}/models")
def models(request: Request, monitor: str) -> Response:
    """The newest models of every codebook, what was decided on it, and the button that starts a retraining."""
    watched_by = monitor_of(request, monitor)
    settings = settings_of(request)
    shown = []
    with open_session(settings) as session:
        for book in sorted(codebooks(), key=lambda book: book.variable != VARIABLE):
            # one more than is shown tells whether there are more
            rows = models_of(session, book.variable, most=MODELS_SHOWN + 1)
            states = standings_of(session, rows)
            decided = decisions_on(session, book.variable, most=MODELS_SHOWN + 1)
            shown.append(
                {
                    "book": book,
                    "dag": f"retrain__{book.variable}",
                    "models": [
                        {
                            "row": row,
                            "state": states[row.name],
                            "figures": model_words.figures_of(judged[1])[:3]
                            if (judged := model_words.judged_on(row.card))
                            else [],
                            "judged": judged[0] if judged else None,
                        }
                        for row in rows[:MODELS_SHOWN]
                    ],
                    "more": len(rows) > MODELS_SHOWN,
                    "decided": decided[:MODELS_SHOWN],
                    "decided_more": len(decided) > MODELS_SHOWN,
                    "waiting": undecided(session, book.variable, most=MODELS_SHOWN),
                    "new_codings": codings_since_training(session, book.variable),
                }
            )
    return page(
        request, "models.html", monitor=watched_by, shown=shown, after=settings.retrain_after, states=model_words.STATES
    )


def _card_parts(card: dict[str, Any]) -> dict[str, Any]:
    """The parts of a card as the template lays them out."""
    judged = model_words.judged_on(card)
    figures = judged[1] if judged else {}
    columns, rates = model_words.rates_of(figures)
    charts = {}
    if figures.get("heads"):
        title = "Calibration: what came true of what was said"
        spec = model_charts.calibration_spec(figures["heads"])
        charts["calibration"] = drawn(spec, title, "The table beneath says the same.", "calibration")
    if card.get("learning_curve"):
        title = "Learning curve: macro-F1 by number of training codings"
        spec = model_charts.learning_curve_spec(card["learning_curve"])
        charts["curve"] = drawn(spec, title, "The table beneath says the same.", "curve")
    return {
        "judged": judged[0] if judged else None,
        "figures": model_words.figures_of(figures),
        "heads": figures.get("heads", {}),
        "texts": figures.get("texts"),
        "units": figures.get("units"),
        "rate_columns": columns,
        "rates": rates,
        "warnings": figures.get("warnings", []),
        "cells": model_words.worst_cells(figures),
        "mean": figures.get("prevalence", {}).get("mean_absolute", {}),
        "comparison": card.get("comparison"),
        "compared": model_words.compared_of(card.get("comparison")),
        "charts": charts,
        "data": [
            (name, card["data"][name])
            for name in ("training", "starter", "random")
            if card.get("data", {}).get(name, {}).get("codings")
        ],
    }


@router.get("/ui/m/{monitor}/models/{model}")
def model_page(request: Request, monitor: str, model: str) -> Response:
    """One model: what it learnt from, how good it is and for whom, against the one before it, and the bridge."""
    watched_by = monitor_of(request, monitor)
    with open_session(settings_of(request)) as session:
        row = model_named(session, model)
        if row is None:
            raise HTTPException(404, "There is no model of this name. The list of models has them all.")
        decided = decisions_on(session, row.variable, model, most=MODELS_SHOWN + 1)
        lines, earlier = newest_cells(session, watched_by.name, row.variable, row.name, most=MOST_CELLS)
        return page(
            request,
            "model.html",
            monitor=watched_by,
            names=names_of(watched_by),
            row=row,
            card=row.card,
            state=standings_of(session, [row])[row.name],
            decided=decided[:MODELS_SHOWN][::-1],
            decided_more=len(decided) > MODELS_SHOWN,
            parts=_card_parts(row.card),
            bridge=model_words.worst_first(lines)[:CELLS_SHOWN],
            bridge_more=max(0, len(lines) - CELLS_SHOWN) + int(earlier),
            bridge_cut=len(lines) if earlier else None,
            bridge_sentence=model_words.bridge_sentence(lines) if lines else None,
            listed=model_words.listed,
        )
