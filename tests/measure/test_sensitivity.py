from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.measure.balance import Borrowed, balance, borrow, moments
from pipeline.measure.composition import Part
from pipeline.measure.sensitivity import (
    DyadTexts,
    Row,
    SensitivityError,
    Sheet,
    Stretch,
    _row,
    error_bias,
    error_rates,
    gap_change,
    sensitivity_sheet,
    without_source,
)

REFERENCE, PRESENT = Stretch(date(2024, 1, 1), date(2025, 1, 1)), Stretch(date(2025, 1, 1), date(2025, 7, 1))


def dyad(rows, **more):
    """Texts from (A or B, source, day, p_nationalist, p_universalist) and optionally cluster and counts."""
    rows = [(*row, k, True) if len(row) == 5 else row for k, row in enumerate(rows)]
    group, source, day, p, q, cluster, counts = zip(*rows, strict=True)
    return DyadTexts(
        names=("kestrel", "juniper"),
        reference=REFERENCE,
        present=PRESENT,
        of_a=np.array(group) == "A",
        source=np.array(source),
        day=np.array(day, dtype="datetime64[D]"),
        cluster=np.array(cluster),
        counts=np.array(counts),
        p_nationalist=np.array(p, dtype=float),
        p_universalist=np.array(q, dtype=float),
        **more,
    )


def world(seed=1, shift=0.3, per_source=120, only=None, **more):
    """Three sources a side over 18 months; in the present A's sources (or only one of them) move by ``shift``."""
    random = np.random.default_rng(seed)
    names = np.repeat(["a1", "a2", "a3", "b1", "b2", "b3"], per_source)
    day = np.datetime64("2024-01-01") + random.integers(0, 547, len(names))
    late = day >= np.datetime64("2025-01-01")
    moved = np.char.startswith(names, "a") if only is None else names == only
    f = np.clip(random.normal(0, 0.3, len(names)) + shift * (late & moved), -1, 1)
    return DyadTexts(
        names=("kestrel", "juniper"),
        reference=REFERENCE,
        present=PRESENT,
        of_a=np.char.startswith(names, "a"),
        source=names,
        day=day,
        cluster=np.arange(len(names)),
        counts=np.ones(len(names), dtype=bool),
        p_nationalist=(1 + f) / 2,
        p_universalist=(1 - f) / 2,
        **more,
    )


def rows_of(sheet, kind):
    return [row for row in sheet.rows if row.kind == kind]


def test_the_change_of_a_gap_by_hand():
    of_a = [("2024-02-01", 0.6, 0.4), ("2024-03-01", 0.8, 0.4), ("2025-01-01", 0.9, 0.1), ("2025-06-30", 0.7, 0.1)]
    of_b = [("2024-02-01", 0.5, 0.5), ("2024-04-01", 0.5, 0.7), ("2025-02-01", 0.2, 0.4), ("2025-03-01", 0.4, 0.8)]
    outside = [("B", "b", "2025-07-01", 1, 0)]
    texts = dyad([("A", "a", *row) for row in of_a] + [("B", "b", *row) for row in of_b] + outside)
    made = gap_change(texts)
    # reference: .3 - -.1, present: .7 - -.3; the text of 1 July lies outside
    assert made.value == pytest.approx(1.0 - 0.4)
    # each cell: two months of one text each, 2/1 (d^2 + d^2) / 4
    assert made.se**2 == pytest.approx(0.1**2 + 0.1**2 + 0.1**2 + 0.1**2)
    assert made.freedom == pytest.approx(4)


def test_the_standard_error_is_the_spread_over_worlds():
    made = [gap_change(world(seed, shift=0.0)) for seed in range(200)]
    spread = np.std([one.value for one in made])
    assert np.mean([one.se for one in made]) == pytest.approx(spread, rel=0.15)
    assert np.mean([one.beyond(0.95) for one in made]) < 0.1


def test_a_real_change_holds_in_every_row():
    sheet = sensitivity_sheet(world())
    assert sheet.beyond
    assert all(row.sign_holds for row in sheet.variants)
    assert all(row.conclusion_holds for row in sheet.variants)
    assert all(row.conclusion_holds for row in rows_of(sheet, "placebo"))
    assert sheet.rests_on == ()
    assert [row.changed for row in rows_of(sheet, "source")] == [
        f"without {s}" for s in ("a1", "a2", "a3", "b1", "b2", "b3")
    ]
    said = sheet.in_words()
    assert said.startswith("The gap kestrel - juniper changes by +0.")
    assert "keeps its sign in 17 of 17 variants, and the conclusion holds in 17 of 17" in said
    assert "names not masked (needs scores without masking)" in said


def test_a_change_that_one_source_made_rests_on_it():
    sheet = sensitivity_sheet(world(shift=0.9, only="a2"))
    assert sheet.beyond
    assert [row.changed for row in sheet.rests_on] == ["without a2"]
    assert "It rests on a2 (" in sheet.in_words()


def test_a_change_rests_on_what_takes_more_than_half_of_it():
    rows = [Row("base", "nothing", -0.2, 0.05)]
    rows += [Row("source", f"without {s}", x, 0.05, x < 0, True) for s, x in (("a", -0.11), ("b", -0.09), ("c", 0.02))]
    rows += [Row("source", "without d", why="kestrel has no text in the present"), Row("index", "x", -0.01, 0.05, True)]
    sheet = Sheet(("kestrel", "juniper"), Part(-0.2, 0.05, 40.0), tuple(rows), (), None)
    assert [row.changed for row in sheet.rests_on] == ["without c", "without b"]
    said = sheet.in_words()
    assert "keeps its sign in 3 of 4 variants" in said
    assert "It rests on c (+0.02), b (-0.09)" in said
    assert "Not computed: without d (kestrel has no text in the present)." in said


def test_the_conclusion_holds_where_it_is_the_same():
    def holds(base, row):
        return _row("index", "x", Part(*row), Part(*base)).conclusion_holds

    sure, unsure = 0.05, 0.2
    assert holds((0.2, sure, 40.0), (0.3, sure, 40.0)) is True
    assert holds((0.2, sure, 40.0), (-0.3, sure, 40.0)) is False
    assert holds((0.2, sure, 40.0), (0.3, unsure, 40.0)) is False
    assert holds((0.2, unsure, 40.0), (-0.1, unsure, 40.0)) is True
    assert holds((0.2, unsure, 40.0), (0.3, sure, 40.0)) is False
    assert holds((0.2, sure, 40.0), (0.3, None)) is None


def test_no_change_is_no_more_than_a_placebo():
    sheets = [sensitivity_sheet(world(seed, shift=0.0), splits=100) for seed in range(20)]
    placebo = [row.conclusion_holds for sheet in sheets for row in rows_of(sheet, "placebo")]
    assert np.mean(placebo) <= 0.1
    assert np.mean([sheet.beyond for sheet in sheets]) <= 0.15


def test_the_placebo_is_as_wide_as_chance_makes_it():
    # halves of 360 texts of .3: sqrt(4 s^2/N) in each stretch, here N about 241 and 119
    sheet = sensitivity_sheet(world(shift=0.0), splits=2000)
    texts = world(shift=0.0)
    present = int((PRESENT.holds(texts.day) & texts.of_a).sum())
    expected = np.sqrt(4 * 0.09 / present + 4 * 0.09 / (360 - present))
    for row in rows_of(sheet, "placebo"):
        assert row.se == pytest.approx(expected, rel=0.2)
        assert row.change == pytest.approx(1.96 * row.se, rel=0.1)


def test_the_same_seed_gives_the_same_sheet():
    assert sensitivity_sheet(world(), seed=4) == sensitivity_sheet(world(), seed=4)
    assert sensitivity_sheet(world(), seed=4) != sensitivity_sheet(world(), seed=5)


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_groups_changed_over_change_the_sign_and_nothing_else(seed):
    texts = world(seed, per_source=25)
    other = replace(texts, names=texts.names[::-1], of_a=~texts.of_a)
    one, two = sensitivity_sheet(texts, splits=20), sensitivity_sheet(other, splits=20)
    for row, turned in zip(one.rows, two.rows, strict=True):
        if row.kind != "placebo":
            assert (turned.sign_holds, turned.conclusion_holds) == (row.sign_holds, row.conclusion_holds)
            assert row.change is None or turned.change == pytest.approx(-row.change, abs=1e-12)


def test_deduplication_off_counts_the_copies():
    texts = dyad(
        [("A", "a", f"2024-0{m}-01", 0.5, 0.5 + 0.01 * m, m, True) for m in range(1, 9)]
        + [("B", "b", f"2024-0{m}-01", 0.5, 0.5 - 0.01 * m, 10 + m, True) for m in range(1, 9)]
        + [("A", "a", f"2025-0{m}-01", 0.7, 0.5 + 0.01 * m, 20 + m, True) for m in range(1, 7)]
        + [("B", "b", f"2025-0{m}-01", 0.5, 0.5 + 0.01 * m, 30 + m, True) for m in range(1, 7)]
        + [("B", "b", "2025-03-05", 0.7, 0.53, 23, False) for _ in range(6)]
    )
    (row,) = rows_of(sensitivity_sheet(texts), "deduplication")
    assert gap_change(texts, deduplicated=False).value == row.change
    assert row.change < gap_change(texts).value


def test_without_the_first_publisher_the_next_copy_counts():
    seventh = [("A", "a1", "2025-01-01", 1, 0, 7, True), ("B", "b1", "2025-01-03", 1, 0, 7, False)]
    seventh += [("A", "a2", "2025-01-02", 1, 0, 7, False)]
    eighth = [("A", "a2", "2025-02-01", 0.5, 0.5, 8, True), ("A", "a1", "2025-02-05", 0.5, 0.5, 8, False)]
    texts = dyad(seventh + eighth)
    left = without_source(texts, "a1")
    assert left.source.tolist() == ["b1", "a2", "a2"]
    assert left.counts.tolist() == [False, True, True]
    # what was no first stays none, although its first lies outside what is given
    assert without_source(texts, "a2").counts.tolist() == [True, False, True]


def test_an_observer_is_the_last_to_stand_for_a_text():
    copies = [("A", "a1", "2025-01-01", 1, 0, 7, True), ("A", "o", "2025-01-02", 1, 0, 7, False)]
    copies += [("A", "a2", "2025-01-03", 1, 0, 7, False)]
    texts = dyad(copies, observer=np.array([False, True, False]))
    assert without_source(texts, "a1").counts.tolist() == [False, True]


def test_every_variant_by_its_own_reckoning():
    texts = world(3)
    sheet = sensitivity_sheet(texts)
    rows = {row.changed: row for row in sheet.rows}
    month = texts.day.astype("datetime64[M]").astype(int)
    quarter = month // 3

    def change(f, chosen=True, period=None):
        total = 0.0
        for sign, stretch in ((1, PRESENT), (-1, REFERENCE)):
            inside = stretch.holds(texts.day) & chosen
            sides = []
            for mask in (texts.of_a, ~texts.of_a):
                if period is None:
                    sides.append(f[inside & mask].mean())
                else:
                    each = [f[inside & mask & (period == t)].mean() for t in np.unique(period[inside])]
                    sides.append(np.mean(each))
            total += sign * (sides[0] - sides[1])
        return total

    p, q = texts.p_nationalist, texts.p_universalist
    assert rows["nothing"].change == pytest.approx(change(p - q))
    assert rows["months weighted alike"].change == pytest.approx(change(p - q, period=month))
    assert rows["quarters weighted alike"].change == pytest.approx(change(p - q, period=quarter))
    assert rows["nationalist share only"].change == pytest.approx(change(p))
    assert rows["universalist share only, reversed"].change == pytest.approx(change(-q))
    labels = (p >= 0.5).astype(float) - (q >= 0.5)
    assert rows["share of labels (CC) in place of probabilities"].change == pytest.approx(change(labels))
    assert rows["without b3"].change == pytest.approx(change(p - q, texts.source != "b3"))
    spring = (texts.day < np.datetime64("2025-01-01")) | (texts.day >= np.datetime64("2025-04-01"))
    assert rows["second half of the present only"].change == pytest.approx(change(p - q, spring), abs=0.02)


def test_weeks_begin_on_monday():
    # a Sunday and the Monday after it are two weeks, Monday and the next Sunday one
    def two(first, second):
        made = dyad(
            [("A", "a", first, 0.9, 0.1), ("A", "a", second, 0.5, 0.5), ("A", "a", second, 0.5, 0.5)]
            + [("B", "b", day, 0.5, 0.5) for day in (first, second)]
            + [("A", "a", "2025-03-03", 0.5, 0.5), ("B", "b", "2025-03-03", 0.5, 0.5)]
        )
        return next(row for row in sensitivity_sheet(made).rows if row.changed == "weeks weighted alike").change

    assert two("2024-03-03", "2024-03-04") == pytest.approx(-0.4)
    assert two("2024-03-04", "2024-03-10") == pytest.approx(-0.8 / 3)


def test_rows_that_need_more_are_made_when_it_is_there():
    texts = world(5)
    n = len(texts.day)
    random = np.random.default_rng(5)
    extra = replace(
        texts,
        unmasked=(texts.p_nationalist * 0.5, texts.p_universalist * 0.5),
        observer=random.random(n) < 0.2,
    )
    rows = {row.changed: row for row in sensitivity_sheet(extra).rows}
    assert rows["names not masked"].change == pytest.approx(rows["nothing"].change / 2)
    everyone = rows["observers' texts about the groups too"]
    assert everyone.change == pytest.approx(gap_change(texts).value)
    assert everyone.change != rows["nothing"].change


def test_what_can_not_be_made_says_why():
    texts = dyad(
        [("A", "a", f"2024-0{m}-01", 0.5, 0.5 + 0.01 * m) for m in range(1, 9)]
        + [("B", "b", f"2024-0{m}-01", 0.5, 0.5 - 0.01 * m) for m in range(1, 9)]
        + [("A", "a", "2025-05-01", 0.9, 0.1), ("B", "b", "2025-05-01", 0.6, 0.5)]
    )
    sheet = sensitivity_sheet(texts)
    why = {row.changed: row.why for row in sheet.rows if row.change is None}
    assert why["without a"] == "kestrel has no text in the reference" or why["without a"].startswith("kestrel has no")
    assert why["first half of the present only"] == "kestrel has no text in the present"
    assert why["observers' texts about the groups too"] == "no observers' texts are given"
    assert why["corrected by random codings"] == "no random codings"
    assert any(changed.startswith("placebo: kestrel") for changed in why)
    weeks = next(row for row in sheet.rows if row.changed == "weeks weighted alike")
    assert (weeks.se, weeks.conclusion_holds) == (None, None)
    assert weeks.why is not None
    assert sheet.no_bias == "no random codings"
    assert "Not computed: " in sheet.in_words()


def test_no_sheet_without_a_change_or_without_texts():
    one = [("A", "a", "2024-02-01", 0.5, 0.5), ("B", "b", "2024-02-01", 0.5, 0.5)]
    with pytest.raises(SensitivityError, match="juniper has no text in the present"):
        sensitivity_sheet(dyad([*one, ("A", "a", "2025-02-01", 0.5, 0.5)]))
    with pytest.raises(SensitivityError, match="does not change at all"):
        sensitivity_sheet(dyad([*one, ("A", "a", "2025-02-01", 0.5, 0.5), ("B", "b", "2025-02-01", 0.5, 0.5)]))


def test_arrays_that_can_not_be_right_are_refused():
    texts = world(per_source=5)
    with pytest.raises(ValueError, match="differ in length"):
        replace(texts, counts=texts.counts[1:])
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        replace(texts, p_nationalist=texts.p_nationalist + 1)
    with pytest.raises(ValueError, match="overlap"):
        replace(texts, present=Stretch(date(2024, 12, 31), date(2025, 7, 1)))


# -- codings


def coded(seed, lean=0.0, share=0.5, shift=0.0):
    """A world with true labels, a model that reads A by ``lean`` too nationalist in the present, and random codings."""
    random = np.random.default_rng(seed)
    texts = world(seed, shift=0.0)
    n = len(texts.day)
    late = texts.day >= np.datetime64("2025-01-01")
    truth = random.choice([-1.0, 0.0, 1.0], n)
    raised = late & texts.of_a & (random.random(n) < shift)
    truth = np.where(raised, 1.0, truth)
    f = np.clip(0.6 * truth + random.normal(0, 0.25, n) + lean * (late & texts.of_a), -1, 1)
    y = np.where(random.random(n) < share, truth, np.nan)
    return replace(texts, p_nationalist=(1 + f) / 2, p_universalist=(1 - f) / 2, y=y), truth


def test_codings_take_back_a_change_that_only_the_model_sees():
    texts, truth = coded(2, lean=0.4)
    sheet = sensitivity_sheet(texts)
    assert sheet.beyond
    (row,) = rows_of(sheet, "coded")
    late = texts.day >= np.datetime64("2025-01-01")
    real = sum(
        sign * (truth[when & texts.of_a].mean() - truth[when & ~texts.of_a].mean())
        for sign, when in ((1, late), (-1, ~late))
    )
    assert abs(row.change - real) < 3 * row.se
    assert not row.conclusion_holds
    assert sheet.rows[0].change - row.change > 0.2
    assert sheet.bias.value > 0
    assert "errs unequally" in sheet.in_words()


def test_corrected_intervals_cover():
    inside = []
    for seed in range(40):
        texts, truth = coded(seed, lean=0.3, share=0.2, shift=0.3)
        late = texts.day >= np.datetime64("2025-01-01")
        real = sum(
            sign * (truth[when & texts.of_a].mean() - truth[when & ~texts.of_a].mean())
            for sign, when in ((1, late), (-1, ~late))
        )
        (row,) = rows_of(sensitivity_sheet(texts, splits=2), "coded")
        inside.append(abs(row.change - real) <= 1.98 * row.se)
    assert np.mean(inside) >= 0.88


def test_the_correction_is_the_houses_balance_four_times():
    texts, _ = coded(7, share=1.0)
    (row,) = rows_of(sensitivity_sheet(texts), "coded")
    late = texts.day >= np.datetime64("2025-01-01")
    whole = [
        balance(texts.f[m], texts.y[m], Borrowed()).value
        for m in (late & texts.of_a, late & ~texts.of_a, ~late & texts.of_a, ~late & ~texts.of_a)
    ]
    assert row.change == pytest.approx(whole[0] - whole[1] - whole[2] + whole[3])
    assert row.se is None


def test_each_cell_borrows_from_the_other_three():
    texts, _ = coded(9, share=0.15)
    (row,) = rows_of(sensitivity_sheet(texts), "coded")
    late = texts.day >= np.datetime64("2025-01-01")
    cells = [late & texts.of_a, late & ~texts.of_a, ~late & texts.of_a, ~late & ~texts.of_a]
    drawn = [cell & ~np.isnan(texts.y) for cell in cells]
    own = [moments(texts.f[mask], texts.y[mask]) for mask in drawn]
    made = [
        balance(texts.f[cell], texts.y[cell], borrow([m for j, m in enumerate(own) if j != k]))
        for k, cell in enumerate(cells)
    ]
    assert row.change == pytest.approx(made[0].value - made[1].value - made[2].value + made[3].value, abs=1e-12)
    assert row.se**2 == pytest.approx(sum(one.interval.variance for one in made))


def test_error_rates_by_hand():
    f = np.array([0.8, 0.8, -0.8, 0.0, 0.8, -0.8, -0.8, -0.8, 0.8, -0.8])
    y = np.array([1.0, 1.0, 1.0, 0.5, 1.0, -1, -1, -1, -1, -0.5])
    rows = [("A", "a", "2024-02-01", 0.9 if v > 0 else 0.1, 0.9 if v < 0 else 0.1) for v in f]
    texts = dyad(rows, y=y)
    rates = {(rate.group, rate.coded): rate for rate in error_rates(texts)}
    assert (rates["kestrel", "nationalist"].codings, rates["kestrel", "nationalist"].rate) == (5, pytest.approx(2 / 5))
    assert rates["kestrel", "universalist"].rate == pytest.approx(1 / 5)
    assert rates["kestrel", "both or neither"].why == "0 random codings, 5 are needed"
    assert rates["juniper", "nationalist"].rate is None
    # drawn with unequal chances: the wrong ones were drawn twice as often
    pi = np.where(np.sign(f) == np.sign(y), 0.2, 0.4)
    weighted = error_rates(replace(texts, pi=pi))[0]
    assert weighted.rate == pytest.approx((2 / 0.4) / (2 / 0.4 + 3 / 0.2))


def test_the_bias_of_the_gap_by_hand():
    a, b = [0.5, 0.3, 0.1, 0.5, 0.6], [-0.2, 0.0, 0.1, -0.1, 0.2]
    y = np.zeros(10)
    texts = dyad(
        [("A", "a", "2024-02-01", (1 + f) / 2, (1 - f) / 2) for f in a]
        + [("B", "b", "2025-02-01", (1 + f) / 2, (1 - f) / 2) for f in b],
        y=y,
    )
    made = error_bias(texts)
    assert made.value == pytest.approx(0.4)
    assert made.se**2 == pytest.approx(np.var(a, ddof=1) / 5 + np.var(b, ddof=1) / 5)
    alike = error_bias(replace(texts, pi=np.full(10, 0.3)))
    assert (alike.value, alike.se) == (pytest.approx(made.value), pytest.approx(made.se))
    with pytest.raises(SensitivityError, match="juniper: 4 random codings"):
        error_bias(replace(texts, y=np.append(y[:9], np.nan)))
    with pytest.raises(SensitivityError, match="no random codings"):
        error_bias(replace(texts, y=None))
