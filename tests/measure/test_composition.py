import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks.composition import (
    CALM,
    FLOOR_REPOSTS_MOVE,
    PRESENT_FROM,
    ROUGH,
    STRETCHES,
    confusion,
    reposts,
    simulate,
)
from pipeline.measure.composition import (
    NOTHING,
    Cause,
    CompositionError,
    GroupTexts,
    Part,
    all_sources,
    difference,
    fixed_panel,
    judge,
    judge_gap,
    split_change,
    split_gap,
    unit_means,
    verdict_of,
    volume_flags,
)


def texts_of(rows, counts=None):
    """Texts from (source, language, period, f)."""
    source, language, period, f = zip(*rows, strict=True)
    return GroupTexts(
        np.array(source),
        np.array(language),
        np.array(period, dtype=np.int64),
        np.array(f, dtype=float),
        None if counts is None else np.array(counts, dtype=bool),
    )


@st.composite
def groups(draw):
    """Texts of up to four sources and two languages in six periods."""
    n = draw(st.integers(4, 40))
    number = st.floats(-1, 1, allow_nan=False).map(lambda x: round(x, 3))
    rows = draw(
        st.lists(
            st.tuples(st.sampled_from("abcd"), st.sampled_from(["en", "ar"]), st.integers(0, 5), number),
            min_size=n,
            max_size=n,
        )
    )
    return texts_of(rows, draw(st.lists(st.sampled_from([True, True, True, False]), min_size=n, max_size=n)))


BYS = st.sampled_from(["source", "language", "source and language"])


def split_or_skip(texts, by):
    try:
        return split_change(texts, range(3), range(3, 6), by=by)
    except CompositionError:
        assume(False)


# -- the split


def test_a_split_computed_by_hand():
    # reference: a 2 texts of mean .2, b 2 of -.2, c (goes) 1 of .5; present: a 1 of .4, b 3 of 0, d (new) 4 of -.5
    before = [("a", 0, 0.1), ("a", 1, 0.3), ("b", 0, -0.2), ("b", 1, -0.2), ("c", 0, 0.5)]
    now = [("a", 2, 0.4), ("b", 2, 0.1), ("b", 3, -0.1), ("b", 3, 0.0)]
    now += [("d", 2, -0.5), ("d", 3, -0.5), ("d", 3, -0.6), ("d", 2, -0.4)]
    made = split_change(texts_of([(s, "en", t, f) for s, t, f in before + now]), [0, 1], [2, 3])
    assert (made.reference, made.present) == (pytest.approx(0.1), pytest.approx((0.4 + 0 - 2.0) / 8))
    # those who stay: shares .5 .5, then .25 .75; their means .2 -.2, then .4 0
    assert made.within.value == pytest.approx(0.375 * 0.2 + 0.625 * 0.2)
    assert made.mix.value == pytest.approx(-0.25 * 0.3 + 0.25 * -0.1)
    assert made.entry.value == pytest.approx(0.5 * (-0.5 - 0.1))
    assert made.exit.value == pytest.approx(0.2 * (0.0 - 0.5))
    assert [unit.name for unit in made.units] == ["a", "b", "c", "d"]
    assert made.units[3].means == (None, pytest.approx(-0.5))


@given(groups(), BYS)
def test_the_parts_add_up_exactly(texts, by):
    made = split_or_skip(texts, by)
    whole = made.within.value + made.mix.value + made.entry.value + made.exit.value
    assert whole == pytest.approx(made.change, abs=1e-12)
    for name in ("within", "mix", "entry", "exit"):
        assert sum(getattr(unit, name) for unit in made.units) == pytest.approx(getattr(made, name).value, abs=1e-12)


@settings(max_examples=40)
@given(groups(), BYS)
def test_backwards_every_part_changes_its_sign_and_entry_becomes_exit(texts, by):
    forth = split_or_skip(texts, by)
    back = split_change(texts, range(3, 6), range(3), by=by)
    assert (back.within.value, back.mix.value) == pytest.approx((-forth.within.value, -forth.mix.value), abs=1e-12)
    assert (back.entry.value, back.exit.value) == pytest.approx((-forth.exit.value, -forth.entry.value), abs=1e-12)


@settings(max_examples=40)
@given(groups(), BYS, st.floats(-0.5, 0.5))
def test_a_level_that_all_share_is_in_no_part(texts, by, level):
    low = GroupTexts(texts.source, texts.language, texts.period, texts.f / 2, texts.counts)
    high = GroupTexts(texts.source, texts.language, texts.period, texts.f / 2 + level, texts.counts)
    before, after = split_or_skip(low, by), split_or_skip(high, by)
    for name in ("within", "mix", "entry", "exit"):
        assert getattr(after, name).value == pytest.approx(getattr(before, name).value, abs=1e-12)


@settings(max_examples=40)
@given(groups(), st.floats(0.01, 0.4))
def test_sources_that_all_move_alike_move_within_only(texts, shift):
    still = GroupTexts(texts.source, texts.language, texts.period, texts.f / 2, texts.counts)
    moved = GroupTexts(
        texts.source, texts.language, texts.period, texts.f / 2 + shift * (texts.period > 2), texts.counts
    )
    before, after = split_or_skip(still, "source"), split_or_skip(moved, "source")
    assert after.within.value == pytest.approx(before.within.value + shift, abs=1e-12)
    for name in ("mix", "entry", "exit"):
        assert getattr(after, name).value == pytest.approx(getattr(before, name).value, abs=1e-12)


@settings(max_examples=40)
@given(groups(), st.randoms(use_true_random=False))
def test_order_and_copies_do_not_matter(texts, random):
    before = split_or_skip(texts, "source")
    order = list(np.flatnonzero(texts.counts))
    random.shuffle(order)
    after = split_change(
        GroupTexts(texts.source[order], texts.language[order], texts.period[order], texts.f[order]),
        range(3),
        range(3, 6),
    )
    assert after.within.value == pytest.approx(before.within.value, abs=1e-12)
    assert after.within.se == pytest.approx(before.within.se, abs=1e-12)
    assert after.change == pytest.approx(before.change, abs=1e-12)


@settings(max_examples=40)
@given(groups(), groups(), BYS)
def test_the_parts_of_a_gap_add_up_exactly(a, b, by):
    one, other = split_or_skip(a, by), split_or_skip(b, by)
    made = split_gap(a, b, range(3), range(3, 6), by=by)
    assert made.change == pytest.approx(one.change - other.change, abs=1e-12)
    for name in ("within", "mix", "entry", "exit"):
        part = getattr(made, name)
        assert part.value == pytest.approx(getattr(one, name).value - getattr(other, name).value, abs=1e-12)
        assert sum(getattr(unit, name) for unit in made.units) == pytest.approx(part.value, abs=1e-12)
    whole = made.within.value + made.mix.value + made.entry.value + made.exit.value
    assert whole == pytest.approx(made.change, abs=1e-12)
    turned = split_gap(b, a, range(3), range(3, 6), by=by)
    assert turned.within.value == pytest.approx(-made.within.value, abs=1e-12)
    assert turned.within.se == (None if made.within.se is None else pytest.approx(made.within.se))


def test_the_noise_of_a_gap_is_that_of_both_sides():
    random = np.random.default_rng(21)
    a, b = simulate("none", CALM, random).texts, simulate("none", CALM, random).texts
    one, other = split_change(a, *STRETCHES).within, split_change(b, *STRETCHES).within
    both = split_gap(a, b, *STRETCHES).within
    assert both.se == pytest.approx(np.hypot(one.se, other.se))
    assert min(one.freedom, other.freedom) <= both.freedom <= one.freedom + other.freedom


def test_the_share_within():
    made = split_change(texts_of([("a", "en", 0, 0.1), ("a", "en", 1, 0.3), ("b", "en", 1, 0.5)]), [0], [1])
    assert made.share_within == pytest.approx(0.2 / (0.2 + 0.1))
    still = split_change(texts_of([("a", "en", 0, 0.1), ("a", "en", 1, 0.1)]), [0], [1])
    assert still.share_within is None


def test_by_language_and_by_source_see_different_things():
    # one source, which begins to translate
    rows = [("a", "en", t, 0.1 * (-1) ** t) for t in range(8)]
    rows += [("a", "ar", t, -0.5 + 0.1 * (-1) ** t) for t in range(4, 8)]
    by_source = split_change(texts_of(rows), range(4), range(4, 8))
    by_language = split_change(texts_of(rows), range(4), range(4, 8), by="language")
    assert (by_source.within.value, by_source.entry.value) == (pytest.approx(-0.25), 0)
    assert (by_language.within.value, by_language.entry.value) == (pytest.approx(0), pytest.approx(-0.25))


def test_what_can_not_be_split_is_refused_in_words():
    texts = texts_of([("a", "en", 0, 0.1), ("b", "en", 1, 0.2)])
    with pytest.raises(CompositionError, match="no source has texts in both"):
        split_change(texts, [0], [1])
    with pytest.raises(CompositionError, match="the present has no texts"):
        split_change(texts, [0], [2])
    with pytest.raises(CompositionError, match="share a period"):
        split_change(texts, [0, 1], [1])
    with pytest.raises(CompositionError, match="the reference has no texts"):
        judge(texts, [3], [1])
    with pytest.raises(CompositionError, match="B: no source"):
        judge_gap(texts_of([("a", "en", 0, 0.1), ("a", "en", 1, 0.2)]), texts, [0], [1])


def test_arrays_that_can_not_be_right_are_refused():
    with pytest.raises(ValueError, match="differ in length"):
        GroupTexts(np.array(["a"]), np.array(["en"]), np.array([0, 1]), np.array([0.0]))
    with pytest.raises(ValueError, match=r"in \[-1, 1\]"):
        texts_of([("a", "en", 0, np.nan)])
    with pytest.raises(ValueError, match="from 0"):
        texts_of([("a", "en", -1, 0.0)])


# -- the noise


def test_the_variance_of_a_mean_by_hand():
    # unit 0: sums of deviations -.2 in period 0 and +.2 in period 1 about the mean .2; unit 1 has one period only
    made = unit_means(
        np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 0, 0]), np.array([0, 0.2, 0.3, 0.3, 1, 0.5]), 3
    )
    assert made.n.tolist() == [4, 2, 0]
    assert made.variance[0] == pytest.approx(2 * (0.2**2 + 0.2**2) / 16)
    assert made.variance[1] == pytest.approx(made.variance[0] * 4 / 2)
    assert made.freedom[:2].tolist() == [1, 1]
    assert np.isnan(made.variance[2])


def test_the_noise_of_every_part_by_its_own_reckoning():
    random = np.random.default_rng(31)
    rows = [
        ("stay1", 0),
        ("stay1", 1),
        ("stay1", 2),
        ("stay2", 0),
        ("stay2", 1),
        ("stay2", 2),
        ("gone", 0),
        ("gone", 1),
    ]
    rows += [("stay1", 3), ("stay1", 4), ("stay2", 3), ("stay2", 4), ("new", 3), ("new", 4)]
    number = random.integers(2, 9, len(rows))
    texts = texts_of(
        [(s, "en", t, random.uniform(-1, 1)) for (s, t), k in zip(rows, number, strict=True) for _ in range(k)]
    )
    made = split_change(texts, range(3), range(3, 5))

    def of(source, side):
        mask = (texts.source == source) & ((texts.period > 2) == side)
        f, t = texts.f[mask], texts.period[mask]
        e = np.array([(f[t == one] - f.mean()).sum() for one in np.unique(t)])
        return len(f), f.mean(), len(e) / (len(e) - 1) * (e**2).sum() / len(f) ** 2

    (n1, f1, v1), (n2, f2, v2), (n3, _, v3) = (of(source, False) for source in ("stay1", "stay2", "gone"))
    (m1, g1, w1), (m2, g2, w2), (m3, _, w3) = (of(source, True) for source in ("stay1", "stay2", "new"))
    p, q = n1 / (n1 + n2), m1 / (m1 + m2)
    weight = (p + q) / 2
    assert made.within.se**2 == pytest.approx(weight**2 * (v1 + w1) + (1 - weight) ** 2 * (v2 + w2))
    new, gone = m3 / (m1 + m2 + m3), n3 / (n1 + n2 + n3)
    assert made.entry.se**2 == pytest.approx(new**2 * (w3 + q**2 * w1 + (1 - q) ** 2 * w2))
    assert made.exit.se**2 == pytest.approx(gone**2 * (v3 + p**2 * v1 + (1 - p) ** 2 * v2))
    # three periods of reference, two of present: the mean level of a source by who published how much
    level = {"stay1": (f1 + g1) / 2, "stay2": (f2 + g2) / 2}
    mean = p * level["stay1"] + (1 - p) * level["stay2"]
    e = np.array(
        [
            sum(k * (level[s] - mean) for (s, u), k in zip(rows, number, strict=True) if u == t and s != "gone")
            for t in range(3)
        ]
    )
    usual = 3 / 2 * (e**2).sum() / (n1 + n2) ** 2 * (1 + 3 / 2)
    assert made.mix.se**2 == pytest.approx(usual + (q - p) ** 2 / 4 * (v1 + w1 + v2 + w2))


def test_noise_that_can_not_be_estimated_is_not_0():
    once = texts_of([("a", "en", 0, 0.1), ("a", "en", 1, 0.5)])
    made = split_change(once, [0], [1])
    assert made.within.value == pytest.approx(0.4)
    assert made.within.se is None
    assert made.within.beyond() is None
    judged = judge(once, [0], [1])
    assert judged.verdict == "undecided"
    assert "can't be estimated" in judged.in_words()
    # constant scores vary in nothing that could be measured
    flat = texts_of([("a", "en", t, 0.5 * (t > 3)) for t in range(8)])
    assert split_change(flat, range(4), range(4, 8)).within.se is None


@pytest.mark.parametrize("weather", [CALM, ROUGH])
def test_standard_errors_are_the_spread_over_worlds(weather):
    random = np.random.default_rng(5)
    made = [split_change(simulate("none", weather, random).texts, *STRETCHES) for _ in range(150)]
    for name in ("within", "mix"):
        values = np.array([getattr(one, name).value for one in made])
        errors = np.array([getattr(one, name).se for one in made])
        # rough worlds have a memory of a month, which the formula does not know
        assert 0.75 < np.sqrt(np.mean(errors**2)) / np.sqrt(np.mean(values**2)) < 1.35


def test_a_part_is_beyond_noise_by_its_t_interval():
    assert Part(0.3, 0.1, 100.0).beyond()
    assert not Part(0.3, 0.1, 3.0).beyond()
    assert Part(0.3, 0.1, 5.0).beyond(0.95)
    assert NOTHING.beyond() is False


# -- the series

STEADY = [(s, "en", t, v) for t in range(6) for s, v in (("a", 0.4), ("a", 0.2), ("b", -0.3))]


def test_the_panel_keeps_its_weights_where_a_source_floods():
    flood = STEADY + [("b", "en", t, -0.3) for t in (4, 5) for _ in range(9)]
    texts = texts_of(flood)
    everything, panel = all_sources(texts, 6), fixed_panel(texts, 6, range(6))
    assert everything[0].value == pytest.approx(0.1)
    assert everything[5].value == pytest.approx((0.6 - 3.0) / 12)
    # 12 texts of a, 24 of b in the stretch
    assert panel.weights == {"a": pytest.approx(1 / 3), "b": pytest.approx(2 / 3)}
    assert [p.value for p in panel.points] == pytest.approx([0.3 / 3 - 0.3 * 2 / 3] * 6)
    assert panel.points[5].texts == 12


def test_a_source_that_is_not_always_there_is_not_in_the_panel():
    texts = texts_of([*STEADY, ("c", "en", 4, -1.0)])
    panel = fixed_panel(texts, 6, range(6))
    assert set(panel.weights) == {"a", "b"}
    assert panel.left_out == {"c": "no text in 5 of 6 periods"}


def test_a_cell_without_texts_is_null_with_its_reason_and_in_no_panel_rule():
    texts = texts_of([row for row in STEADY if row[2] != 2])
    for points in (
        all_sources(texts, 7, {2: "outage: the provider"}),
        fixed_panel(texts, 7, range(6), {2: "outage: the provider"}).points,
    ):
        assert points[2].value is None
        assert points[2].missing == "outage: the provider"
        assert points[6].missing == "no text, and no reason is known"
        assert all(point.value is not None for point in points[:2] + points[3:6])


def test_outside_the_stretch_weights_are_not_shared_out_anew():
    texts = texts_of([row for row in STEADY if row[:3] != ("b", "en", 5)])
    panel = fixed_panel(texts, 6, range(5))
    assert panel.points[5].value is None
    assert panel.points[5].missing == "of the panel no text of b"
    assert panel.points[4].value == pytest.approx(0.1)


def test_without_a_panel_every_point_says_so():
    texts = texts_of([("a", "en", 0, 0.1), ("b", "en", 1, 0.2)])
    panel = fixed_panel(texts, 3, [0, 1], {2: "silent"})
    assert panel.weights == {}
    assert [p.missing for p in panel.points] == ["no source has texts in every period of the stretch"] * 2 + ["silent"]
    with pytest.raises(CompositionError, match="no texts"):
        fixed_panel(texts, 3, [2])


def test_copies_are_in_no_mean():
    texts = texts_of([*STEADY, ("b", "en", 0, 1.0)], [True] * len(STEADY) + [False])
    assert all_sources(texts, 6)[0] == all_sources(texts_of(STEADY), 6)[0]
    assert fixed_panel(texts, 6, range(6)).weights == fixed_panel(texts_of(STEADY), 6, range(6)).weights


@settings(max_examples=40)
@given(groups())
def test_a_panel_of_every_source_with_equal_volume_is_the_series_itself(texts):
    same = [(s, "en", t, float(f)) for t in range(6) for s, f in zip("abcd", np.resize(texts.f, 4), strict=True)]
    own = texts_of(same)
    values = [p.value for p in all_sources(own, 6)]
    assert [p.value for p in fixed_panel(own, 6, range(6)).points] == pytest.approx(values, abs=1e-12)


def test_a_gap_is_null_where_a_side_is():
    a = all_sources(texts_of([("a", "en", 0, 0.3), ("a", "en", 1, 0.3)]), 3, {2: "silent"})
    b = all_sources(texts_of([("b", "en", 0, -0.2), ("b", "en", 2, 0.0)]), 3, {1: "outage: x"})
    made = difference(a, b)
    assert made[0].value == pytest.approx(0.5)
    assert (made[1].value, made[1].missing) == (None, "B: outage: x")
    assert made[2].missing == "A: silent"


# -- the judgement


@pytest.mark.parametrize("kind", ["none", "framing", "new source", "flood", "translation", "outage", "mixed"])
def test_simulated_causes_are_told_apart(kind):
    made = confusion(kind, CALM, 20)
    assert made.verdicts[kind] >= 0.85
    assert made.panel_error < 0.05
    if kind in {"new source", "flood", "translation", "outage"}:
        assert made.naive >= 0.9
        assert made.verdicts.get("framing", 0) == 0


def test_the_words_of_a_flood():
    random = np.random.default_rng(3)
    said = judge(simulate("flood", CALM, random).texts, *STRETCHES).in_words()
    assert "Judgement: a source flooding." in said
    assert "times as much" in said
    assert "fixed panel of 4 sources" in said


def test_a_new_site_of_copies_is_no_new_voice():
    random = np.random.default_rng(4)
    world = simulate("new source", CALM, random).texts
    assert judge(world, *STRETCHES).verdict == "new source"
    # the same site, but for each of its texts there are two more that repeat others
    own = np.flatnonzero(world.source == "five")
    index = np.concatenate([np.arange(len(world.f)), np.repeat(own, 2)])
    counts = np.arange(len(index)) < len(world.f)
    copied = GroupTexts(world.source[index], world.language[index], world.period[index], world.f[index], counts)
    judged = judge(copied, *STRETCHES)
    assert judged.verdict == "translation"
    assert "67% of the texts of five repeat others" in judged.flags
    assert judged.change == pytest.approx(judge(world, *STRETCHES).change)


def test_a_source_that_ends_is_missing():
    random = np.random.default_rng(8)
    world = simulate("none", CALM, random).texts
    apart = GroupTexts(
        world.source, world.language, world.period, np.clip(world.f - 0.7 * (world.source == "one"), -1, 1)
    )
    left = apart.period[apart.source == "one"] < PRESENT_FROM
    kept = np.ones(len(apart.f), dtype=bool)
    kept[np.flatnonzero(apart.source == "one")[~left]] = False
    ended = GroupTexts(apart.source[kept], apart.language[kept], apart.period[kept], apart.f[kept])
    judged = judge(ended, *STRETCHES)
    assert judged.verdict == "outage"
    assert judged.flags == ("one has no text in 8 of 8 periods",)
    assert "one / en" in judged.in_words()


@pytest.mark.parametrize(("flood", "verdict"), [(4, "outage"), (30, "flood")])
def test_of_flood_and_outage_the_one_that_moved_more_texts(flood, verdict):
    random = np.random.default_rng(13)
    volume = {"large": (20, 0), "small": (4, flood), "other": (10, 10)}
    level = {"large": 0.5, "small": -0.5, "other": 0.0}
    rows = []
    for t in range(24):
        for source, (before, now) in volume.items():
            # the large one is still there in the first month of the present
            many = before if t < 17 and (source == "large" or t < 16) else now
            many = 10 if source == "small" and t >= 16 and flood == 4 else many
            rows += [
                (source, "en", t, float(np.clip(level[source] + random.normal(0, 0.3), -1, 1))) for _ in range(many)
            ]
    judged = judge(texts_of(rows), *STRETCHES)
    assert judged.verdict == verdict
    assert any("times as much" in flag for flag in judged.flags)
    assert any("no text in 7 of 8 periods" in flag for flag in judged.flags)


def test_volume_is_flagged_where_the_balance_does_not_move():
    flood = STEADY + [("b", "ar", t, 0.1) for t in (3, 4, 5) for _ in range(9)]
    flags = volume_flags(texts_of([row for row in flood if row[2] != 1]), range(3), range(3, 6))
    assert flags == [
        "b publishes 10.0 times as much (33% of the texts, now 83%)",
        "texts in a new language, ar (75%)",
        "1 of 3 periods of the reference have no text",
    ]
    assert volume_flags(texts_of(STEADY), range(3), range(3, 6)) == []
    with pytest.raises(CompositionError):
        volume_flags(texts_of(STEADY), range(3), [7])


def test_a_gap_has_the_causes_of_both_sides():
    random = np.random.default_rng(11)
    new, still = simulate("new source", CALM, random).texts, simulate("none", CALM, random).texts
    made = judge_gap(still, new, *STRETCHES)
    alone = judge(new, *STRETCHES)
    assert made.verdict == "new source"
    assert made.change == pytest.approx(judge(still, *STRETCHES).change - alone.change)
    by_name = {cause.name: cause for cause in made.causes}
    assert by_name["new source"].sources == ("B: five",)
    assert by_name["new source"].part.value == pytest.approx(
        -next(c for c in alone.causes if c.name == "new source").part.value
    )
    assert sum(cause.part.value for cause in made.causes) == pytest.approx(made.change, abs=1e-12)
    assert made.in_words().startswith("The gap moves")


def test_two_groups_that_move_alike_have_a_gap_that_does_not():
    random = np.random.default_rng(12)
    a = simulate("framing", CALM, random, size=0.2).texts
    b = GroupTexts(a.source, a.language, a.period, a.f, None)
    assert judge(a, *STRETCHES).verdict == "framing"
    assert judge_gap(a, b, *STRETCHES).verdict == "none"


def test_a_tiny_change_that_is_certain_is_not_named():
    rows = [(s, "en", t, 0.02 * (t > 9) + 0.005 * ((t + k) % 2)) for t in range(20) for k, s in enumerate("ab")]
    judged = judge(texts_of(rows), range(10), range(10, 20))
    assert judged.verdict == "none"
    assert "no part beyond noise is as large as 0.05" in judged.in_words()


SURE, UNSURE, UNKNOWN = 0.01, 0.2, None


@pytest.mark.parametrize(
    ("parts", "change", "verdict"),
    [
        ({"framing": (0.2, SURE)}, 0.2, "framing"),
        ({"framing": (0.2, UNSURE)}, 0.2, "none"),
        ({"framing": (0.04, SURE)}, 0.04, "none"),
        ({"framing": (0.2, SURE), "flood": (0.09, SURE)}, 0.29, "framing"),
        ({"framing": (0.2, SURE), "flood": (0.11, SURE)}, 0.31, "mixed"),
        ({"framing": (0.2, SURE), "flood": (0.19, UNSURE)}, 0.39, "framing"),
        ({"framing": (-0.2, UNSURE), "flood": (0.1, SURE)}, -0.1, "mixed"),
        ({"outage": (0.2, UNKNOWN)}, 0.2, "undecided"),
        ({"framing": (0.2, SURE), "outage": (0.2, UNKNOWN)}, 0.4, "undecided"),
        ({"framing": (0.2, SURE), "outage": (0.06, UNKNOWN)}, 0.26, "framing"),
        ({"framing": (0.0, UNKNOWN)}, 0.0, "none"),
    ],
)
def test_the_rule_of_the_verdict(parts, change, verdict):
    causes = [Cause(name, Part(value, se, None if se is None else 50.0)) for name, (value, se) in parts.items()]
    assert verdict_of(causes, change) == verdict


@pytest.mark.long
def test_copies_of_real_reports_move_nothing(shared_data, tmp_path):
    made = reposts(shared_data / "news_cluster", tmp_path)
    assert made.repeated == made.copies > 100
    assert made.moved == 0
    assert abs(made.moved_raw) > FLOOR_REPOSTS_MOVE
