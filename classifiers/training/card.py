"""The model card: what a person reads before a model is believed. Written from the figures, never by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from classifiers.codebook import Codebook
from classifiers.coding.coding_table import CodingRow
from classifiers.evaluation.plots import calibration_svg, learning_curve_svg
from classifiers.model.model_folder import CALIBRATION, CURVE, MARKDOWN

MOST = 30
"""groups or languages of a table; the rest are summed"""


def _counts(names: Sequence[str]) -> dict[str, int]:
    found = Counter(name or "(not told)" for name in names)
    made = dict(found.most_common(MOST))
    if rest := sum(found.values()) - sum(made.values()):
        made["other"] = rest
    return made


def data_of(rows: Sequence[CodingRow], book: Codebook) -> dict[str, Any]:
    """What a set of codings consists of, ready for JSON."""
    values = Counter(row.value for row in rows)
    days = [row.date for row in rows if row.date]
    return {
        "codings": len(rows),
        "values": {value: values[value] for value in book.names},
        "languages": _counts([row.lang for row in rows]),
        "groups": _counts([row.group for row in rows]),
        "sources": len({row.source for row in rows if row.source}),
        "draws": _counts([row.draw for row in rows]),
        "coders": len({row.coder for row in rows if row.coder}),
        "first": min(days).isoformat() if days else None,
        "last": max(days).isoformat() if days else None,
    }


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}"
    return str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    lines = [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    return [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}", *lines, ""]


def _between(interval: Sequence[float] | None) -> str:
    return f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else "too few"


def _data(data: Mapping[str, Any]) -> list[str]:
    kinds = [(name, data[name]) for name in ("training", "starter", "random") if data[name]["codings"]]

    def listed(counts: Mapping[str, int]) -> str:
        return ", ".join(f"{name} {number}" for name, number in counts.items() if number)

    rows = [
        (
            name, one["codings"], listed(one["values"]), listed(one["languages"]), listed(one["groups"]),
            one["sources"] or "", listed(one["draws"]), one["coders"] or "",
            f"{one['first']} to {one['last']}" if one["first"] else "",
        )
        for name, one in kinds
    ]  # fmt: skip
    columns = ("for", "codings", "values", "languages", "groups", "sources", "draws", "coders", "dates")
    lines = ["## Codings", "", *_table(columns, rows)]
    contradictory = data["contradictions"]
    lines.append(
        f"{contradictory['texts']} texts were coded with two values or more, {contradictory['settled']} of them are "
        "settled. One text counts once: its codings share its weight, and one that settles counts alone."
    )
    if data["left_out"]:
        lines += ["", "Left out: " + "; ".join(f"{n} {why}" for why, n in data["left_out"].items()) + "."]
    if data["agreement"]:
        lines += ["", "Agreement of coders: " + listed_figures(data["agreement"]) + "."]
    return [*lines, ""]


def listed_figures(figures: Mapping[str, Any]) -> str:
    """``alpha .71, low .62``: figures of another table in one line."""
    return ", ".join(f"{name} {_cell(value)}" for name, value in figures.items() if not isinstance(value, dict | list))


def judged_markdown(title: str, judged: Mapping[str, Any]) -> list[str]:
    """Lines of what :func:`classifiers.evaluation.judge.judge` made."""
    lines = [f"## {title}", "", f"{judged['texts']} codings in {judged['units']} clusters.", ""]
    names = {"macro_f1": "macro-F1, all values", "two_way_macro_f1": "macro-F1, two sides", "brier": "Brier"}
    rows = [
        (names.get(name, name.replace("brier_", "Brier, ")), one["value"], _between(one["interval"]))
        for name, one in judged["figures"].items()
        if one["value"] is not None
    ]
    for name, one in judged["baselines"].items():
        rows += [(f"*{name}*: {names[figure]}", one[figure], "") for figure in names if figure in one]
    lines += _table(("figure", "value", "95% interval"), rows)
    if judged["not_understood"]:
        lines += [
            f"Of {judged['not_understood']} texts the model knows no word; they count as the training base rate.",
            "",
        ]
    calibrated = [
        (name, one["slope"], one["intercept"], one["expected_error"]) for name, one in judged["heads"].items()
    ]
    lines += _table(("calibration of", "slope (1)", "intercept (0)", "expected error (0)"), calibrated)
    for kind, rates in judged["error_rates"].items():
        lines += _rates(kind, rates)
    lines += [f"**Warning:** {warning}." for warning in judged["warnings"]]
    return [*lines, *([""] if judged["warnings"] else []), *_prevalence(judged["prevalence"])]


def _rates(kind: str, rates: Mapping[str, Any]) -> list[str]:
    heads = [name for name in next(iter(rates.values())) if name != "texts"]
    columns = [kind, "texts", *(f"{head}: {what}" for head in heads for what in ("found", "wrongly said"))]

    def told(rate: Mapping[str, Any]) -> str:
        return "" if rate["rate"] is None else f"{rate['rate']:.2f} ({rate['low']:.2f} to {rate['high']:.2f})"

    rows = [
        (key, one["texts"], *(told(one[head][what]) for head in heads for what in ("tpr", "fpr")))
        for key, one in rates.items()
    ]
    return [f"### Error rates by {kind}", "", *_table(columns, rows)]


def _prevalence(prevalence: Mapping[str, Any]) -> list[str]:
    cells = prevalence["cells"]
    if not cells:
        return []
    worst = sorted(cells, key=lambda cell: -abs(cell["error_balance"]))[:MOST]
    mean = prevalence["mean_absolute"]
    rows = [
        (c["group"] or "(not told)", c["period"] or "(no date)", c["texts"], c["balance"], c["error_balance"])
        for c in worst
    ]
    return [
        "### Errors of the balance per cell (group and quarter)",
        "",
        f"Mean absolute error over {len(cells)} cells {mean['error_balance']:.3f}; of always saying the training "
        f"balance {mean['error_constant']:.3f}. The largest errors:",
        "",
        *_table(("group", "quarter", "texts", "coded balance", "model less coded"), rows),
    ]


def compared_markdown(comparison: Mapping[str, Any]) -> list[str]:
    """Lines of what :func:`classifiers.evaluation.compare.compare` made, with the name of the ``incumbent``."""
    names = {"macro_f1": "macro-F1", "brier": "Brier", "gap_error": f"error of {comparison['gap_error_of']}"}
    rows = [
        (
            names[name],
            one["new"],
            one["old"],
            one["difference"],
            _between(one["interval"]),
            one["margin"],
            one["verdict"],
        )
        for name, one in comparison["figures"].items()
    ]
    columns = ("figure", "new", "old", "new less old", "95% interval", "margin", "verdict")
    without = comparison.get("left_out", 0)
    known = f" Without {without} that were coded for training as well: the old model may know them." if without else ""
    return [
        f"## Against {_cell(comparison['incumbent'])}",
        "",
        f"**{comparison['verdict'].capitalize()}**, on the same {comparison['texts']} random codings in "
        f"{comparison['clusters']} clusters.{known}",
        "",
        *_table(columns, rows),
    ]


def card_markdown(card: Mapping[str, Any], probes: int = 0) -> str:
    """The card in words and tables."""
    settings = card["settings"]
    lines = [
        f"# {_cell(card['title'])}",
        "",
        f"Trained {card['trained_at']} on {card['trained_on']}. Codebook {card['variable']}, version "
        f"{card['codebook_version']}. Evaluated {card['evaluation']}.",
        "",
        "## Limits",
        "",
        *(f"- {limit}" for limit in card["limits"]),
        *(f"- {note[0].upper()}{note[1:]}." for note in card["notes"]),
        "",
    ]
    if card["comparison"]:
        lines += compared_markdown(card["comparison"])
    if card["random_sample"]:
        lines += judged_markdown("On random codings", card["random_sample"])
    if card["cross_validation"]:
        lines += judged_markdown("Cross-validated (not comparable between models)", card["cross_validation"])
    if card["random_sample"] or card["cross_validation"]:
        lines += [f"![What came true of what was said]({CALIBRATION})", ""]
    if card["learning_curve"]:
        rows = [(p["codings"], p["macro_f1"], p["spread"], p["runs"]) for p in card["learning_curve"]]
        lines += ["## Learning curve", "", *_table(("own training codings", "macro-F1", "spread", "runs"), rows)]
        lines += [f"![Macro-F1 by number of training codings]({CURVE})", ""]
    lines += _data(card["data"])
    lines += [
        "## Settings",
        "",
        f"Split by {settings['split']}, {settings['folds']} folds of {settings['units']} units. A starter coding "
        f"counts {settings['starter_weight']:g}. Seed {settings['seed']}; the bootstrap draws {settings['replicates']} "
        "times.",
        "",
        *_table(
            ("setting", "value"),
            sorted((k, "none" if v is None else str(v)) for k, v in settings["classifier"].items()),
        ),
        f"Training balance {card['training_balance']:.3f}. Made with "
        + ", ".join(f"{name} {version}" for name, version in card["versions"].items())
        + (f". {probes} probe texts are scored again whenever the model is loaded." if probes else "."),
        "",
    ]
    return "\n".join(lines)


def card_pages(card: Mapping[str, Any], probes: int = 0) -> dict[str, str]:
    """File name -> content: the card in words and its plots, to stand beside the figures in a model's folder."""
    pages = {MARKDOWN: card_markdown(card, probes)}
    if judged := card["random_sample"] or card["cross_validation"]:
        pages[CALIBRATION] = calibration_svg(judged["heads"])
    if card["learning_curve"]:
        pages[CURVE] = learning_curve_svg(card["learning_curve"])
    return pages
