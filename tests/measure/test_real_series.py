"""What is said of real series: rules answer "not enough evidence", placebos are no p values, words enter no state."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import real_series
from benchmarks.real_series import (
    DEBATE,
    DID_SPLIT,
    LEAST_INDEPENDENT,
    MANIFESTOS,
    NAMES,
    OTHER_SPEAKER,
    WORD_MEASURES,
    YEARS,
    Event,
    Scored,
    Speech,
    alarm_rate,
    answer,
    apart,
    audit,
    by_year,
    changes,
    compare,
    dyads,
    first_person,
    measures_behind,
    read_events,
    read_sentences,
    read_speeches,
    report_answers,
    report_events,
    report_rules,
    score_speeches,
    shared_runs,
    topic_pools,
    word_counts,
    word_distance,
)
from pipeline.measure.alarm.thresholds import RATE
from pipeline.measure.partisanship import NOT_SEPARABLE
from pipeline.measure.resampling import Weekly, placebo_dates
from pipeline.measure.state import NOT_ENOUGH, State
from tests.conftest import NO_DATA, SHARED_DATA

EAST = ("RUS", "YUG")


def noise(seed=1):
    random = np.random.default_rng(seed)
    return {country: random.normal(-0.4, 0.1, len(YEARS)) for country in NAMES}


@pytest.fixture(scope="module")
def speeches():
    file = SHARED_DATA / DEBATE
    if not file.is_file():
        pytest.skip(NO_DATA)
    return read_speeches(file)


@pytest.fixture(scope="module")
def some_scored(speeches):
    """Three countries of a few years, so that scoring is quick."""
    return score_speeches([s for s in speeches if s.country in {"GBR", "USA", "FRA"} and 1975 <= s.year < 1985])


# ---- the list of events and the rules --------------------------------------------------------------------------------


def test_the_events_are_the_shipped_ones_and_the_debate_of_their_year_comes_after_them():
    assert [(e.dyad, e.first, e.kind) for e in read_events()] == [
        (EAST, 1948, "split"),
        (EAST, 1955, "reconciliation"),
        (("ALB", "CHN"), 1978, "split"),
    ]


def test_pairs_that_split_are_pairs_of_the_data():
    assert set(dyads()) >= DID_SPLIT
    assert {e.dyad for e in read_events()} <= DID_SPLIT


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_no_gap_of_two_speeches_however_wide_is_evidence(f_a, f_b):
    side, made, state = answer(f_a, f_b)
    assert made.value == f_a - f_b
    assert made.interval is None
    assert "0 random codings" in side.why
    assert state.name == NOT_ENOUGH
    assert state.reasons == ("no usable reference (the monitor has neither weeks nor months)",)


def test_a_claimed_state_or_share_misses_a_floor(monkeypatch):
    monkeypatch.setattr(real_series, "decide", lambda **_: State("rift", ("no reason",)))
    assert "rift" in report_answers(noise())[0]
    monkeypatch.setattr(real_series, "LEAST_INDEPENDENT", 3)
    assert any("p value?" in missed for missed in report_events(noise()))


def test_without_the_data_it_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["real_series", "--data", str(tmp_path)])
    assert real_series.main() == 0
    assert capsys.readouterr().out.count("skipped, it is absent") == 2


# ---- changes and placebos --------------------------------------------------------------------------------------------


@given(st.integers(1, 8), st.integers(0, 50))
def test_the_changes_are_those_of_the_shipped_placebo_dates(length, seed):
    series = np.random.default_rng(seed).normal(size=len(YEARS))
    texts = Weekly(np.stack([series, np.zeros(len(YEARS))]), np.ones((2, len(YEARS))), np.array([True, False]))
    mine = changes(series, ("FRA", "GBR"), length)
    shipped = placebo_dates(texts, 40, length=length)
    years = np.arange(len(YEARS))
    assert mine[40] == pytest.approx(shipped.real)
    assert mine[(np.abs(years - 40) >= length) & ~np.isnan(mine)] == pytest.approx(shipped.values)


def test_no_window_reaches_across_two_states_under_one_code():
    series = np.zeros(len(YEARS))
    made = changes(series, EAST, 5)
    there = YEARS[~np.isnan(made)]
    for first in (OTHER_SPEAKER["RUS"], OTHER_SPEAKER["YUG"]):
        assert not set(range(first - 4, first + 5)) & set(there.tolist())
    assert OTHER_SPEAKER["RUS"] - 5 in there


def test_one_hole_in_five_years_is_borne_and_none_in_three():
    series = np.ones(len(YEARS))
    series[30] = np.nan
    assert not np.isnan(changes(series, ("FRA", "GBR"), 5)[32])
    assert np.isnan(changes(series, ("FRA", "GBR"), 3)[32])
    series[31] = np.nan
    assert np.isnan(changes(series, ("FRA", "GBR"), 5)[32])


@given(st.lists(st.integers(1950, 2020), max_size=40), st.integers(1, 16))
def test_years_apart_share_no_window(years, distance):
    number = apart(years, distance)
    assert (number == 0) == (not years)
    if years:
        assert number <= (max(years) - min(years)) // distance + 1


def test_a_series_that_begins_too_late_is_said_to():
    events = read_events()
    assert "too late: 2 years before it, 5 are needed" in compare(noise(), events[0], events, 5)
    assert "CHN stands for another state" in compare(noise(), events[2], events, 8)


def test_ties_count_against_the_event_and_a_real_step_stands_out():
    events = read_events()
    flat = {country: np.zeros(len(YEARS)) for country in NAMES}
    made = compare(flat, events[1], events, 5)
    assert made.share(made.dates) == made.share(made.controls) == 1.0
    f = noise()
    f["YUG"] = f["YUG"] + np.where(YEARS >= 1955, 1.0, 0.0)
    made = compare(f, events[1], events, 5)
    assert made.change < -0.8
    assert made.share(made.strangers) == pytest.approx(1 / (1 + len(made.strangers)))
    assert made.share(np.array([])) is None


def test_placebo_dates_share_no_year_with_any_event_of_the_pair():
    f, events = noise(), read_events()
    only = compare(f, events[1], events[1:2], 2)
    both = compare(f, events[1], events, 2)
    assert len(both.dates) < len(only.dates)
    # 2 years a side, of 1946 to 1991: dates 1948..1990 less those nearer than four years to 1948 or 1955
    assert len(both.dates) == len([y for y in range(1948, 1991) if abs(y - 1948) >= 4 and abs(y - 1955) >= 4])


def test_no_event_of_the_data_can_have_a_p_value():
    events = read_events()
    for event in events:
        for length in (2, 3, 5, 8):
            made = compare(noise(), event, events, length)
            if not isinstance(made, str):
                assert not made.evidence
                assert made.independent_dates < LEAST_INDEPENDENT


def test_evidence_is_a_matter_of_independent_placebos():
    made = compare(noise(), Event(("FRA", "GBR"), 1985, "split"), [Event(("FRA", "GBR"), 1985, "split")], 1)
    assert made.independent_dates >= LEAST_INDEPENDENT
    assert made.evidence


# ---- words enter no state --------------------------------------------------------------------------------------------


def test_nothing_of_words_stands_behind_state_and_alarm():
    assert report_rules() == []
    assert "alarm.reference" in measures_behind("alarm")


def test_an_import_of_words_is_found_however_it_is_written(tmp_path):
    (tmp_path / "state.py").write_text("import pipeline.measure.helper\n")
    (tmp_path / "helper.py").write_text("from pipeline.measure import far\nimport numpy\n")
    (tmp_path / "far.py").write_text("from pipeline.measure.partisanship import leave_out\n")
    (tmp_path / "partisanship.py").write_text("")
    assert measures_behind("state", tmp_path) & WORD_MEASURES == {"partisanship"}


def test_the_form_of_a_record_is_seen():
    assert first_person("We ask you to hear us: our need is great.") == pytest.approx(300)
    assert first_person("Mr. X said that his country had stated its view.") == 0


def test_alarms_of_simulated_dyads_keep_the_stated_rate_and_see_a_shift():
    f = np.random.default_rng(3).normal(-0.6, 0.3, 500)
    pool, other = np.arange(250), np.arange(250, 500)
    f[other] = f[pool]  # other passages, the same framing
    assert alarm_rate(f, pool, other, 60) / 2 <= RATE + 3 * (RATE / 120) ** 0.5
    assert alarm_rate(f, pool, pool, 40, shift=0.3) >= 0.9
    assert alarm_rate(f - 0.3 * (np.arange(500) >= 250), pool, other, 40) >= 0.9


def test_matched_pools_have_the_same_framing_and_other_words():
    random = np.random.default_rng(5)
    texts = ["nuclear weapons threaten us"] * 300 + ["trade and industry grow"] * 200 + ["weapons arms trade economic"]
    f = np.concatenate([random.normal(-0.4, 0.3, 300), random.normal(0, 0.3, 200), [0.0]]).clip(-1, 1)
    pools = topic_pools(Scored([], np.array([]), texts, f))
    assert len(pools.arms) == len(pools.trade) > 50
    assert f[pools.arms].mean() == pytest.approx(f[pools.trade].mean(), abs=0.02)
    assert (len(pools.all_arms), len(pools.all_trade)) == (300, 200)


def test_words_tell_two_countries_apart_and_say_that_it_may_be_style():
    speeches = [Speech("FRA", y, "peace and wine " * 9) for y in range(1950, 1955)]
    speeches += [Speech("GBR", y, "peace and tea " * 9) for y in range(1950, 1955)]
    value, flags = word_distance(word_counts([s.text for s in speeches]), speeches, ("FRA", "GBR"), range(1950, 1955))
    assert value == pytest.approx(2 / 3)
    assert flags == (NOT_SEPARABLE,)
    assert word_distance(word_counts(["a b"] * 10), speeches, ("FRA", "GBR"), range(1950, 1952)) is None


# ---- the data --------------------------------------------------------------------------------------------------------


def test_speeches_are_scored_as_a_whole_from_their_passages(some_scored):
    assert len(some_scored.f) == 30
    assert np.all(np.abs(some_scored.f) <= 1)
    assert len(some_scored.passages) == len(some_scored.passage_f) > 500
    f = by_year(some_scored)
    assert int((~np.isnan(f["GBR"])).sum()) == 10
    assert np.isnan(f["YUG"]).all()
    first = next(i for i, s in enumerate(some_scored.speeches) if (s.country, s.year) == ("USA", 1980))
    assert f["USA"][1980 - YEARS[0]] == some_scored.f[first]


def test_real_years_answer_not_enough_evidence(some_scored, capsys):
    assert report_answers(by_year(some_scored)) == []
    said = capsys.readouterr().out
    assert "30 dyad-years" in said
    assert "corrected gaps: 0" in said


def test_the_tables_name_no_p_value(capsys):
    assert report_events(noise()) == []
    said = capsys.readouterr().out
    assert "It is no p value" in said
    assert "begins too late" in said


def test_no_successor_party_has_labels_but_the_alliance_of_1987():
    file = SHARED_DATA / MANIFESTOS
    if not file.is_file():
        pytest.skip(NO_DATA)
    data = read_sentences(file)
    for party in ("LibSDP", "UKIP", "Brexit"):
        assert (data.party == party).any()
        assert np.isnan(data.y[data.party == party]).all()
    alliance = np.flatnonzero(data.cell("LD", 1987))
    assert "SDP" in data.text[alliance[0]]
    assert not np.isnan(data.y[alliance]).any()


def test_a_text_cut_otherwise_shares_its_runs_of_words():
    assert shared_runs(["One, two three.", "Four five!"], ["one two", "three four five six"]) == 1.0
    assert shared_runs(["one two three four"], ["four three two one"]) == 0
    with pytest.raises(ValueError, match="fewer than four"):
        shared_runs(["one"], ["one"])


def test_an_audit_codes_forty_and_covers():
    random = np.random.default_rng(7)
    cells = {}
    for party in "AB":
        y = random.choice([1.0, 0.0, -1.0], 600)
        cells[party, 2000] = (0.4 * y + random.normal(0, 0.2, 600), y)
    made = audit(cells, random)
    assert {b.coded for b in made.values()} == {40}
    assert all(b.interval is not None for b in made.values())
