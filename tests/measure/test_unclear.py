"""Texts that coders could not decide: what a confirmation makes of them, and what it does to audits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.confirmation import UNCHANGED, draw, looks
from benchmarks.unclear import KINDS, PLAIN, Answered, audits, confirmations, follow
from pipeline.measure.balance import Borrowed, balance
from pipeline.measure.confirmation import SIGNS, ConfirmationError, Side, confirm
from pipeline.measure.confirming import confirmed_by, side_balance
from pipeline.measure.gap import gap

BORROWED = Borrowed(lam=0.6, s2=0.4, freedom=10)


def side(total=60, n=30, unclear=6, seed=1):
    """A side whose first n texts are answered, the last ``unclear`` of these as unclear."""
    random = np.random.default_rng(seed)
    y = np.sign(np.round(random.normal(0, 1, total)))
    f = np.clip(0.5 * y + random.normal(0, 0.3, total), -1, 1)
    place = np.arange(total)
    return Side(f, np.where(place < n - unclear, y, np.nan), unclear=(n - unclear <= place) & (place < n))


def test_an_example_computed_by_hand():
    # four answered of eight: 1, 0, -1 and one unclear; c = 0, and the decided count 4/3
    one = Side(np.zeros(8), np.array([1, 0, -1, *[np.nan] * 5]), unclear=np.arange(8) == 3)
    assert one.answers()[:4] == pytest.approx([4 / 3, 0, -4 / 3, 0])
    assert np.isnan(one.answers()[4:]).all()
    # the decided have the mean .5; the model's mean is .2 over all and .5 over the answered
    f = np.array([0.5, 0.5, 0.5, 0.5, *[0.0] * 6])
    two = Side(f, np.array([1, 0, 0.5, *[np.nan] * 7]), unclear=np.arange(10) == 3)
    b = 0.6 * f.mean() + (two.answers()[:4] - 0.6 * f[:4]).mean()
    assert b == pytest.approx(0.5 + 0.6 * (0.2 - 0.5))


@given(st.integers(0, 2**32 - 1), st.integers(1, 10))
def test_the_model_is_compared_over_all_that_were_answered(seed, unclear):
    one = side(seed=seed, unclear=unclear)
    rest = [side(seed=seed + i, unclear=0) for i in (1, 2, 3)]
    made = confirm(one, *rest, BORROWED, planned=100)
    decided, answered = ~np.isnan(one.y), np.arange(60) < 30
    b = one.y[decided].mean() + 0.6 * (one.f.mean() - one.f[answered].mean())
    others = [balance(each.f, each.y, BORROWED).value for each in rest]
    assert made.change == pytest.approx(b - others[0] - others[1] + others[2], abs=1e-9)
    assert made.coded == 120 - unclear


def test_with_every_text_answered_it_is_the_mean_of_the_decided():
    one = side(n=60, unclear=20)
    rest = [side(n=60, unclear=0, seed=seed) for seed in (2, 3, 4)]
    made = confirm(one, *rest, BORROWED, planned=100)
    b = [each.y.mean() for each in rest]
    assert made.change == pytest.approx(np.nanmean(one.y) - b[0] - b[1] + b[2])
    assert made.variance == 0


def test_without_unclear_texts_nothing_changes():
    one = side(unclear=0)
    assert np.array_equal(one.answers(), one.y, equal_nan=True)
    assert np.array_equal(Side(one.f, one.y).answers(), one.y, equal_nan=True)
    none = Side(np.zeros(3), np.full(3, np.nan), unclear=np.ones(3, dtype=bool))
    assert np.isnan(none.answers()).all()


def test_weights_of_unequal_draws_count():
    one = side()
    pi = np.resize([0.6, 0.15], 60)
    decided = ~np.isnan(one.y)
    w = 1 / pi
    c = (w * np.nan_to_num(one.y))[decided].sum() / w[decided].sum()
    made = Side(one.f, one.y, pi, one.unclear).answers()
    answered = decided | one.unclear
    assert (w * made)[answered].sum() / w[answered].sum() == pytest.approx(c)
    assert made[one.unclear] == pytest.approx(c)


def test_unclear_answers_are_no_codings_and_do_not_hold_a_small_side_up():
    rest = [side(seed=seed) for seed in (2, 3, 4)]
    with pytest.raises(ConfirmationError, match="A in the alarm stretch: 9 codings, 10 are needed"):
        confirm(side(n=30, unclear=21), *rest, BORROWED, planned=100)
    with pytest.raises(ConfirmationError, match="4 texts, 5 are needed"):
        confirm(side(total=12, n=12, unclear=8), *rest, BORROWED, planned=100)
    small = confirm(side(total=12, n=12, unclear=5), *rest, BORROWED, planned=100)
    assert small.coded == 7 + 3 * 24


def test_the_benchmark_follows_the_same_formulas():
    random = np.random.default_rng(3)
    sides = [Answered(s.f, s.y, KINDS[3].of(random, s.f, s.y, 0.3)) for s in draw(random, PLAIN, 2)]
    counts = looks(PLAIN, 10)
    path = follow(sides, counts, BORROWED, leave=False)
    for look in (60, len(counts) // 2, len(counts) - 2):
        for run in range(2):
            shown = [np.arange(200) < n for n in counts[look]]
            four = [
                Side(s.f[run], np.where(at & ~s.unclear[run], s.y[run], np.nan), unclear=at & s.unclear[run])
                for s, at in zip(sides, shown, strict=True)
            ]
            made = confirm(*four, BORROWED, planned=100)
            assert not path.early[run, look]
            assert path.change[run, look] == pytest.approx(made.change, abs=1e-9)
            assert path.variance[run, look] == pytest.approx(made.variance, rel=1e-6, abs=1e-12)


def test_the_sequence_holds_what_can_be_decided_whichever_texts_are_unclear():
    for kind in (KINDS[1], KINDS[3]):
        as_it_is, leaves = confirmations(PLAIN, kind, 0.3, 400)
        assert as_it_is.looks >= 0.93
        assert abs(as_it_is.bias) < 0.03
        assert leaves.looks < 0.88
        assert leaves.bias > 0.1


def test_the_sequence_holds_where_few_texts_say_anything():
    # a rare value among the last texts outweighs a variance that takes it for granted that some of these are unclear
    as_it_is, _ = confirmations(UNCHANGED[2], KINDS[0], 0.3, 1000)
    assert as_it_is.looks >= 0.95


def test_what_is_expected_of_a_side_is_the_mean_square_of_its_answers():
    random = np.random.default_rng(7)
    f = random.uniform(-1, 1, 400_000)
    y = 0.6 * f + random.normal(0, 0.5, len(f))
    unclear = random.random(len(f)) < 0.4
    one = Side(f, np.where(unclear, np.nan, y), unclear=unclear)
    assert one.stretch() == pytest.approx(1 / 0.6, rel=0.01)
    assert one.expected(0.25, 0.6) == pytest.approx(np.var(one.answers() - 0.6 * f), rel=0.01)
    assert Side(f, y).expected(0.25, 0.6) == 0.25


def test_the_variance_of_a_side_counts_what_was_decided():
    one, rest = side(n=30, unclear=10), [side(n=60, unclear=0, seed=seed) for seed in (2, 3, 4)]
    made = confirm(one, *rest, BORROWED, planned=100)  # the rest has no variance
    e = (one.answers() - 0.6 * one.f)[:30]
    expected = 1.5 * 0.4 + 0.5 * 0.6**2 * np.var(one.f)
    s2 = max((19 * e.var(ddof=1) + 10 * expected) / 29, e.var(ddof=1))
    # of the 50 texts that may be decidable 20 are decided
    assert made.variance == pytest.approx((1 - 20 / 50) * s2 / 30)
    alike = Side(one.f, one.y, np.full(60, 0.2), one.unclear)
    assert confirm(alike, *rest, BORROWED, planned=100).variance == pytest.approx(made.variance)


def test_the_gaps_beside_a_change_count_what_was_decided():
    sides = [side(seed=seed, unclear=unclear) for seed, unclear in zip(range(4), (9, 4, 0, 12), strict=True)]
    made = confirmed_by(sides, BORROWED, planned=100)
    assert made.reference.interval.freedom == 30 + 18 + 8
    assert made.present.interval.freedom == 21 + 26 + 8
    plain = [balance(each.f, each.answers(), BORROWED) for each in sides]
    assert made.present.value == pytest.approx(gap(*plain[:2]).value)
    assert side_balance(sides[2], BORROWED) == plain[2]
    assert sum(sign * side_balance(each, BORROWED).value for sign, each in zip(SIGNS, sides, strict=True)) == (
        pytest.approx(made.change)
    )


def test_with_every_text_answered_a_gap_has_no_width():
    one = side_balance(side(n=60, unclear=20), BORROWED)
    assert one.interval.variance == 0
    assert one.interval.low == one.value


def test_a_side_covers_where_three_tenths_of_its_answers_are_unclear():
    for kind in (KINDS[2], KINDS[3]):
        _, one = audits(kind, 0.3, 20, 600)
        assert one.decided >= 0.93


def test_an_audit_speaks_of_all_texts_where_the_score_alone_makes_them_unclear():
    by_score, compared = audits(KINDS[2], 0.3, 40, 300)
    assert by_score.every > 0.9 > by_score.decided
    assert compared.decided > 0.87
    assert compared.every < 0.7
    by_truth, _ = audits(KINDS[1], 0.3, 40, 300)
    assert by_truth.every < 0.7
