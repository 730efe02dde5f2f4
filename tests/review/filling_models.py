"""Two more versions of the framing model: one that replaced the first, with a card and a bridge, and one that waits."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from pipeline.store.tables import Bridge, Model, Promotion

NOW = datetime(2026, 1, 2, 6, 30, tzinfo=UTC)
NEW, WAITING = "framing-2026-02-01", "framing-2026-03-01"


def _head(slope: float) -> dict[str, Any]:
    bins = [
        {"said": s, "came_true": t, "low": max(0.0, t - 0.12), "high": min(1.0, t + 0.12), "texts": 40}
        for s, t in ((0.1, 0.08), (0.3, 0.36), (0.5, 0.47), (0.7, 0.66), (0.9, 0.93))
    ]
    return {"slope": slope, "intercept": 0.04, "expected_error": 0.031, "bins": bins}


def _rate(value: float) -> dict[str, float]:
    return {"rate": value, "low": value - 0.1, "high": value + 0.1}


def card() -> dict[str, Any]:
    """A card as training writes it."""
    judged = {
        "texts": 320,
        "units": 301,
        "figures": {
            "macro_f1": {"value": 0.71, "interval": [0.66, 0.76]},
            "two_way_macro_f1": {"value": 0.81, "interval": [0.76, 0.86]},
            "brier": {"value": 0.142, "interval": None},
        },
        "baselines": {"always neither": {"macro_f1": 0.18, "two_way_macro_f1": 0.33}, "base rate": {"brier": 0.24}},
        "heads": {"nationalist": _head(0.97), "universalist": _head(1.1)},
        "error_rates": {
            "group": {
                "heron": {
                    "texts": 160,
                    "nationalist": {"tpr": _rate(0.82), "fpr": _rate(0.12)},
                    "universalist": {"tpr": _rate(0.8), "fpr": _rate(0.2)},
                },
                "<b>maple</b>": {
                    "texts": 160,
                    "nationalist": {"tpr": _rate(0.61), "fpr": _rate(0.12)},
                    "universalist": {"tpr": {"rate": None, "low": None, "high": None}, "fpr": _rate(0.3)},
                },
            }
        },
        "warnings": ["the head nationalist finds .82 of heron and .61 of maple"],
        "prevalence": {
            "cells": [
                {"group": "heron", "period": "2025-Q1", "texts": 20, "balance": 0.4, "error_balance": -0.11},
                {"group": "", "period": "", "texts": 20, "balance": -0.2, "error_balance": 0.25},
            ],
            "mean_absolute": {"error_balance": 0.12, "error_constant": 0.3},
        },
    }
    verdict = {"interval": [-0.01, 0.07], "margin": 0.02, "verdict": "not worse"}
    return {
        "title": "framing",
        "trained_on": "412 codings of 2 monitors",
        "evaluation": "on 320 random codings",
        "codebook_version": 1,
        "limits": ["Trained on two invented movements."],
        "notes": ["a note"],
        "versions": {"scikit-learn": "1.9"},
        "random_sample": judged,
        "cross_validation": None,
        "learning_curve": [
            {"codings": n, "macro_f1": f, "spread": 0.03, "runs": 3} for n, f in ((50, 0.55), (100, 0.63), (200, 0.7))
        ],
        "data": {
            "training": {
                "codings": 412,
                "values": {"nationalist": 120, "universalist": 130, "both": 12, "neither": 150},
                "languages": {"en": 300, "ar": 112},
                "groups": {"heron": 212, "maple": 200},
                "draws": {"active": 300, "import": 112},
                "first": "2024-01-03",
                "last": "2025-12-20",
            }
        },
        "comparison": {
            "incumbent": "framing-2026-01-01",
            "verdict": "not worse",
            "texts": 320,
            "clusters": 301,
            "figures": {
                "macro_f1": {"new": 0.71, "old": 0.68, "difference": 0.03} | verdict,
                "brier": {"new": 0.142, "old": 0.15, "difference": -0.008} | verdict | {"interval": None},
            },
        },
    }


def add(session: Session, ids: dict[str, int]) -> None:
    """Put them into the store; the first model stays in force for what other pages show."""
    made = [
        Model(
            id=number, variable="framing", name=name, sha256=str(number) * 64, trained_at=NOW - timedelta(days=number),
            training_balance=0.05, card=card(),
        )
        for number, name in ((2, NEW), (3, WAITING))
    ]  # fmt: skip
    session.add_all(made)
    session.flush()
    for model_id, previous, comment in ((made[0].id, 1, "better on both sides"), (1, made[0].id, "back again")):
        session.add(
            Promotion(
                variable="framing",
                model_id=model_id,
                promoted_at=NOW,
                comment=comment,
                person="ana",
                previous_id=previous,
            )
        )
    for group, quarter, delta in (("heron", 1, 0.12), ("heron", 4, None), ("maple", 1, -0.03)):
        start = date(2025, 3 * quarter - 2, 1)
        session.add(
            Bridge(
                monitor="harbour", group_id=group, period="quarter", start=start, end=start + timedelta(days=90),
                old_model_id=1, new_model_id=made[0].id, clusters=70, codings=20 if delta else 0, old=0.3, delta=delta,
                new=None if delta is None else 0.3 + delta, variance=None if delta is None else 0.0004,
                low=None if delta is None else delta - 0.04, high=None if delta is None else delta + 0.04,
                missing=None if delta is not None else "fewer than five random codings", made_at=NOW,
            )
        )  # fmt: skip
