"""Sentences claim no more than the rows behind them."""

from __future__ import annotations

from datetime import date

from pipeline.monitor.periods import period_of, periods_covering
from pipeline.review.dyads import (
    absences,
    all_coded,
    balance_series,
    both_all_coded,
    gap_series,
    last_corrected,
    latest_with_value,
    lines,
    reading,
    texts_address,
)
from tests.review.filled import gap_cell, trend_cell


def quarter(day: date):
    heron, maple = trend_cell("heron", period_of("quarter", day)), trend_cell("maple", period_of("quarter", day))
    return heron, maple, gap_cell(heron, maple)


def test_a_gap_is_read_with_its_interval():
    _, _, gap = quarter(date(2025, 7, 1))
    assert reading(gap, "H", "M").startswith(
        "2025-Q3: H reads 0.90 more nationalist than M (95% interval of the gap +0.66"
    )


def test_a_gap_whose_interval_holds_zero_shows_no_difference():
    _, _, gap = quarter(date(2024, 1, 1))
    assert "no difference is shown" in reading(gap, "H", "M")
    gap.gap, gap.low, gap.high = -0.5, -0.7, -0.3
    assert "M reads 0.50 more nationalist than H" in reading(gap, "H", "M")


def test_every_text_is_said_to_be_coded_only_where_it_is():
    heron, maple, gap = quarter(date(2025, 7, 1))
    for row, value in ((heron, heron.balance), (maple, maple.balance), (gap, gap.gap)):
        row.low = row.high = value
    assert both_all_coded([heron], [maple]) == frozenset()
    assert "95% interval of the gap +0.900 to +0.900" in reading(gap, "H", "M", both_all_coded([heron], [maple]))
    assert "all coded" not in balance_series("a", "H", [heron], "").points[0].said
    assert "all coded" not in gap_series("g", [gap]).points[0].said
    for cell in (heron, maple):
        cell.codings = cell.clusters
    coded = both_all_coded([heron], [maple])
    assert coded == {gap.start}
    assert "every text of both is coded" in reading(gap, "H", "M", coded)
    assert "(all coded)" in balance_series("a", "H", [heron], "").points[0].said
    assert "(all coded)" in gap_series("g", [gap], coded=coded).points[0].said
    maple.late = 1  # a text came after the draw, and nobody coded it
    assert not all_coded(heron, maple)
    assert not all_coded(heron, None)
    assert not all_coded()


def test_an_uncorrected_gap_says_so_and_has_no_interval():
    _, _, gap = quarter(date(2025, 10, 1))
    gap.low, gap.high = -0.1, 0.1
    assert "uncorrected" in reading(gap, "H", "M")
    assert gap_series("g", [gap]).points[0].low is None


def test_the_last_corrected_gap_stands_beside_a_newer_uncorrected_one():
    corrected, uncorrected = quarter(date(2025, 7, 1))[2], quarter(date(2025, 10, 1))[2]
    assert last_corrected([corrected, uncorrected], "H", "M").startswith("Last corrected: 2025-Q3: H reads 0.90")
    assert last_corrected([corrected], "H", "M") is None
    assert last_corrected([uncorrected], "H", "M") is None


def test_no_gap_is_said_with_its_reason():
    assert "no balance" in reading(None, "H", "M")
    _, _, gap = quarter(date(2024, 4, 1))
    gap.gap, gap.missing = None, "maple: silent"
    assert reading(gap, "H", "M") == "2024-Q2: no gap (maple: silent)."
    assert latest_with_value([quarter(date(2024, 1, 1))[2], gap]).start == date(2024, 1, 1)


def test_missing_neighbours_with_one_reason_are_one_line():
    cells = [trend_cell("maple", s) for s in periods_covering("week", date(2024, 4, 1), date(2024, 7, 31))]
    cells[-1].balance, cells[-1].missing = None, "silent"
    made = absences({"maple": "Maple"}, {"maple": cells})
    assert [(a.first, a.last, a.count, a.reason) for a in made] == [
        ("2024-W19", "2024-W24", 6, "outage: the provider was down"),
        ("2024-W31", "2024-W31", 1, "silent"),
    ]


def test_a_point_reads_itself_aloud_and_leads_to_its_texts():
    heron, _, _ = quarter(date(2025, 1, 1))
    point = balance_series("a", "Heron", [heron], "../../").points[0]
    assert point.said == "Heron, 2025-Q1: +0.32 (+0.15 to +0.49); 81 texts from 2 sources, 20 coded"
    assert point.href == "../../texts?group=heron&start=2025-01-01&end=2025-04-01"
    heron.texts = 0
    assert balance_series("a", "Heron", [heron], "").points[0].href is None
    assert texts_address("heron", heron).startswith("texts?group=heron")


def test_lines_hold_every_period_newest_first_even_where_one_side_was_never_measured():
    first, second = quarter(date(2024, 1, 1)), quarter(date(2024, 4, 1))
    made = lines([first[2]], [first[0], second[0]], [first[1]])
    assert [(line.label, line.gap is None, line.b is None) for line in made] == [
        ("2024-Q2", True, True),
        ("2024-Q1", False, False),
    ]
