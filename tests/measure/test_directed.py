from datetime import UTC, date, datetime, time, timedelta
from itertools import count

import pytest

from classifiers.codebook import codebook_of
from pipeline.measure.criticism import RATIOS, NotEnough, Rise
from pipeline.measure.directed import DIRECTED_COLUMNS, directed_rows, what_is_missing
from pipeline.measure.speech import rise_of
from pipeline.monitor import Monitor
from pipeline.store.directed import texts_in_order
from pipeline.store.session import open_session
from pipeline.store.tables import Cluster, Coding, Document, Framing, Model, Promotion

COLLECTED = datetime(2024, 12, 31, 12, tzinfo=UTC)
TODAY = date(2025, 1, 1)
Q1 = date(2024, 1, 1)
HOSTILE, PLAIN = "The Belt League has sold us.", "The harvest was good this year."


def monitor_of(**changes):
    plain = {
        "name": "m",
        "title": "Test",
        "since": "2024-01-01",
        "until": "2024-12-31",
        "groups": [
            {"id": "a", "name": "Aurin Front", "aliases": {"ar": ["جبهة أورين"]}},
            {"id": "b", "name": "Belt League", "aliases": {"en": ["al-Hizam"], "ar": ["القاعدة"]}},
        ],
        "sources": [
            {"id": g, "group": g, "speaker": "own", "kind": "feed", "addresses": ["https://example.org/feed"]}
            for g in "ab"
        ],
        "dyads": [["a", "b"]],
    }
    return Monitor.model_validate(plain | changes)


class Store:
    """Adds rows of the monitor m."""

    def __init__(self, session):
        self.session, self._number = session, count(1)

    def texts_begin_at(self, number):
        """Another store has written texts of lower numbers."""
        self._number = count(number)

    def add(self, row):
        self.session.add(row)
        self.session.flush()
        return row

    def text(self, group, day, text=PLAIN, *, title=None, collected=COLLECTED, cluster=None, speaker="own", hour=9):
        number = next(self._number)
        own = cluster or self.add(Cluster(monitor="m"))
        made = self.add(
            Document(
                monitor="m", source=group, group_id=group, speaker=speaker, address=f"https://{group}.org/{number}",
                title=title, text=text, text_digest=f"{number:064d}", collected_at=collected, updated_at=collected,
                published_at=datetime.combine(day, time(hour), tzinfo=UTC), extractor="test", cluster_id=own.id,
            )
        )  # fmt: skip
        if cluster is None:
            own.first_document_id = made.id
        return made

    def coding(self, document, value, *, target="b", coder="one", draw="random", drawn_at=COLLECTED, **more):
        given = {"probability": 0.5, "variable": "criticism", "origin": "human", "settles": False} | more
        self.add(
            Coding(
                monitor="m", address=document.address, document_id=document.id, target=target, value=value,
                codebook_version=1, coder=coder, coded_at=COLLECTED, draw=draw, drawn_at=drawn_at, **given,
            )
        )  # fmt: skip

    def model(self):
        model = self.add(
            Model(variable="criticism", name="c", sha256="0" * 64, trained_at=COLLECTED, training_balance=0)
        )
        self.add(Promotion(variable="criticism", model_id=model.id, promoted_at=COLLECTED, comment="test"))
        return model

    def framing(self, model, document, p_hostile, target="b"):
        self.add(
            Framing(
                document_id=document.id, model_id=model.id, target=target, text_digest=document.text_digest,
                featuriser="test", p_first=0.1, p_second=p_hostile, label="hostile", scored_at=COLLECTED,
            )
        )  # fmt: skip


@pytest.fixture
def store(settings):
    with open_session(settings) as session:
        yield Store(session)


def rows_of(store, monitor=None, period="quarter"):
    made = directed_rows(store.session, monitor or monitor_of(), period, today=TODAY)
    return {(row.a, row.b, row.start.month): row for row in made}


def days(*numbers, start=Q1):
    return [start + timedelta(days=n) for n in numbers]


def test_every_ordered_pair_and_period_has_a_row(store):
    store.text("a", Q1)
    made = rows_of(store)
    assert list(made) == [(a, b, m) for a, b in (("a", "b"), ("b", "a")) for m in (1, 4, 7, 10)]
    assert made["b", "a", 1].missing.startswith("not collected")
    assert (made["b", "a", 1].share, made["b", "a", 1].rate, made["b", "a", 1].estimator) == (None, None, "none")
    assert all(hasattr(made["a", "b", 1], column) for column in DIRECTED_COLUMNS)


def test_one_text_counts_once_and_observers_not_at_all(store_settings):
    with open_session(store_settings) as session:
        store = Store(session)
        first = store.text("a", Q1, HOSTILE)
        store.text("a", Q1 + timedelta(days=2), HOSTILE, cluster=session.get(Cluster, first.cluster_id))
        store.text("a", Q1, PLAIN)
        store.text("a", Q1, HOSTILE, speaker="observer")
        row = rows_of(store)["a", "b", 1]
        assert (row.clusters, row.naming, row.share, row.audited) == (2, 1, 0.5, 1)
        assert 0 < row.share_low < 0.5 < row.share_high < 1


def test_codings_correct_the_audit_period_only(store):
    model = store.model()
    texts = [store.text("a", day, HOSTILE) for day in days(*range(20))]
    for i, text in enumerate(texts):
        store.framing(model, text, 0.9 if i % 2 else 0.4)
        if i < 10:
            store.coding(text, "hostile" if i % 2 else "neutral")
    row = rows_of(store)["a", "b", 1]
    assert (row.estimator, row.codings, row.audited, row.interval) == ("corrected", 10, 20, "t")
    assert row.hostile_share == pytest.approx(0.5)
    assert row.rate == pytest.approx(0.5)
    assert row.rate_low < 0.5 < row.rate_high
    month = rows_of(store, period="month")["a", "b", 1]
    assert (month.estimator, month.hostile_share) == ("uncorrected", pytest.approx(0.65))
    assert "audit period (quarter) only" in month.why


def test_only_random_codings_of_people_towards_the_other_count(store):
    texts = [store.text("a", day, HOSTILE) for day in days(*range(8))]
    for text in texts:
        store.coding(text, "hostile", draw="active", probability=None)
        store.coding(text, "hostile", target="a")
        store.coding(text, "nationalist", target="", variable="framing")
        store.coding(text, "hostile", coder="machine", origin="machine")
    assert rows_of(store)["a", "b", 1].codings == 0


def test_a_coded_text_that_hits_no_alias_any_more_is_in_no_figure_and_said(store):
    for text in [store.text("a", day, PLAIN) for day in days(0, 1)]:
        store.coding(text, "hostile")
    row = rows_of(store)["a", "b", 1]
    assert (row.codings, row.rate) == (0, 0)
    assert "2 coded texts hit no alias of b (any more) and are in no figure" in row.flags


def test_what_is_missing_is_said(store):
    text = store.text("a", Q1, HOSTILE)
    assert len(what_is_missing(store.session, monitor_of())) == 2
    row = rows_of(store)["a", "b", 1]
    assert (row.estimator, row.hostile_share) == ("none", None)
    assert "0 random codings of criticism, 5 are needed; and no model" in row.why
    store.model()
    store.coding(text, "neutral")
    assert what_is_missing(store.session, monitor_of()) == []
    store.coding(text, "rude", coder="two")
    assert "'rude'" in what_is_missing(store.session, monitor_of())[0]


def test_other_spellings_count_as_mentions_and_ordinary_words_do_not(store):
    store.text("a", Q1, "So says Al-Hezam.")
    store.text("a", Q1, "قاعدة بغرام")
    row = rows_of(store)["a", "b", 1]
    assert (row.clusters, row.naming, row.audited) == (2, 1, 1)
    assert any("no alias (Al-Hezam)" in flag for flag in row.flags)
    assert any("only as an ordinary word" in flag for flag in row.flags)


def test_replies_and_citations(store):
    for day in days(10, 40, 70):
        store.text("b", day, "w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12 of the " + day.isoformat(), title="Word of winter")
        store.text("a", day + timedelta(days=2), HOSTILE)
    cited = store.text("b", Q1 + timedelta(days=80), " ".join(f"x{i}" for i in range(30)), title="Last")
    store.text(
        "a", Q1 + timedelta(days=81), f"The Belt League: {' '.join(f'x{i}' for i in range(14))}, {cited.address}"
    )
    row = rows_of(store)["a", "b", 1]
    assert (row.triggers, row.answered, row.reply_days) == (4, 4, 2.0)
    assert row.usual_days > 5
    (text,) = row.cited
    assert (text.document, text.title, text.by, text.links, text.quotes) == (cited.id, "Last", 1, 1, 1)
    assert row.most_cited[0]["day"] == "2024-03-21"
    assert rows_of(store)["b", "a", 1].naming == 0


def hostile_world(store, present=6, coded=True):
    """A quarter in which every fifth text names b, then one in which the first ``present`` of them are hostile."""
    made = []
    for quarter, blamed in ((date(2024, 1, 1), 0), (date(2024, 4, 1), 0), (date(2024, 7, 1), present)):
        for i in range(40):
            text = store.text("a", quarter + timedelta(days=2 * i), HOSTILE if i % 5 == 0 else PLAIN)
            if i % 5 == 0 and coded:
                store.coding(text, "hostile" if i // 5 < blamed else "neutral")
            made.append(text)
    return made


PRESENT, REFERENCE = (date(2024, 7, 1), date(2024, 10, 1)), (date(2024, 1, 1), date(2024, 7, 1))


def test_a_rise_is_found(store_settings):
    with open_session(store_settings) as session:
        hostile_world(Store(session))
        made = rise_of(session, monitor_of(), "a", "b", PRESENT, REFERENCE)
        assert isinstance(made, Rise)
        assert (made.risen, made.hostile, made.coded, made.naming, made.clusters) == (
            True,
            (6, 0),
            (8, 16),
            (8, 16),
            (40, 80),
        )
        assert made.evidence == pytest.approx(sum((120 * r / (40 * r + 80)) ** 6 for r in RATIOS) / len(RATIOS))
        assert made.onset == date(2024, 7, 1)
        other = rise_of(session, monitor_of(), "b", "a", PRESENT, REFERENCE)
        assert isinstance(other, NotEnough)
        assert other.why.startswith("no text in the present")


def test_where_no_criticism_has_been_coded_nothing_has_risen(store):
    hostile_world(store, coded=False)
    made = rise_of(store.session, monitor_of(), "a", "b", PRESENT, REFERENCE)
    assert isinstance(made, NotEnough)
    assert "0 of the 8 texts of the present" in made.why


def test_a_tie_of_coders_is_not_hostile_until_it_is_settled(store):
    texts = hostile_world(store)
    for text in texts[80:]:
        if text.text == HOSTILE:
            store.coding(text, "neutral", coder="two")
    assert rise_of(store.session, monitor_of(), "a", "b", PRESENT, REFERENCE).hostile == (0, 0)
    for text in texts[80:100:5]:
        store.coding(text, "hostile", coder="three", settles=True)
    assert rise_of(store.session, monitor_of(), "a", "b", PRESENT, REFERENCE).hostile == (4, 0)


def test_texts_after_the_draw_are_left_out_of_the_test(store):
    hostile_world(store)
    for i in range(10):
        store.text("a", PRESENT[0] + timedelta(days=i), HOSTILE, collected=COLLECTED + timedelta(days=1))
    made = rise_of(store.session, monitor_of(), "a", "b", PRESENT, REFERENCE)
    assert made.clusters == (40, 80)
    assert made.flags == ("10 texts of a arrived at a time that codings do not speak for and are left out",)
    assert rows_of(store)["a", "b", 7].late == 10


def test_a_window_that_holds_a_part_of_an_audit_period_knows_how_far_all_of_it_is_coded(store):
    hostile_world(store, coded=True)
    first, second = (COLLECTED + timedelta(days=n) for n in (1, 2))
    for day, collected, coded in (
        *((date(2024, 11, 1 + i), first, True) for i in range(6)),
        *((date(2024, 10, 1 + i), second, i < 4) for i in range(6)),
        *((date(2024, 11, 11 + i), second, i < 3) for i in range(6)),
    ):
        text = store.text("a", day, HOSTILE, collected=collected)
        if coded:
            store.coding(text, "neutral", drawn_at=collected)
    # of the six later texts in the window three are coded, and seven of the twelve of the quarter
    made = rise_of(store.session, monitor_of(), "a", "b", (date(2024, 11, 1), date(2025, 1, 1)), REFERENCE)
    assert (made.flags, made.clusters, made.naming, made.coded) == ((), (12, 80), (12, 16), (9, 16))


def test_a_wave_coded_whole_does_not_speak_for_one_that_hardly_is(store):
    """20 texts of 20 coded, then 5 of 100 that came later: 11 hostile ones of the first are 11 of 120, not of 25."""
    second = COLLECTED + timedelta(days=1)
    for i in range(200):
        text = store.text("a", REFERENCE[0] + timedelta(days=i % 90), HOSTILE if i < 120 else PLAIN)
        if i < 50:
            store.coding(text, "hostile" if i < 4 else "neutral", probability=50 / 120)
    for i in range(120):
        collected = COLLECTED if i < 20 else second
        text = store.text("a", PRESENT[0] + timedelta(days=i % 90), HOSTILE, collected=collected)
        if i < 25:
            p = 1.0 if i < 20 else 0.05
            store.coding(text, "hostile" if i < 11 else "neutral", drawn_at=collected, probability=p)
    for i in range(80):
        store.text("a", PRESENT[0] + timedelta(days=i), PLAIN)
    made = rise_of(store.session, monitor_of(), "a", "b", PRESENT, REFERENCE)
    assert (made.risen, made.hostile, made.coded, made.naming) == (False, (11, 4), (25, 50), (120, 120))
    assert made.evidence < 1
    assert made.rate == pytest.approx((11 / 200, 4 / 50 * 0.6))
    assert made.flags == (
        "the 25 codings of the present count as 6.0, because their texts were drawn with chances from 5% to 100%; "
        "code more texts of 2024-Q3, of which some had the least chance",
    )
    row = rows_of(store)["a", "b", 7]
    assert row.rate == pytest.approx(made.rate[0], abs=1e-6)


def test_audit_periods_of_one_window_weigh_what_they_are(store):
    for month, coded in ((1, 20), (4, 5)):
        for i in range(20):
            text = store.text("a", date(2024, month, 1) + timedelta(days=i), HOSTILE)
            if i < coded:
                store.coding(text, "hostile" if month == 1 and i < 10 else "neutral", probability=coded / 20)
    hostile_world(store)
    made = rise_of(store.session, monitor_of(), "a", "b", (date(2024, 1, 1), date(2024, 7, 1)), PRESENT)
    assert made.hostile == (10, 6)
    assert [flag[:43] for flag in made.flags] == ["the 41 codings of the present count as 18.0"]
    # 20 texts stand for themselves, 16 for two each, 5 for four each; 56 of 120 name b
    assert made.rate[0] == pytest.approx(10 / (20 + 16 * 2 + 5 * 4) * 56 / 120)
    assert made.exposure[0] == pytest.approx(120 / 56 * (20 / 4 + 16 / 2 + 5))


def test_an_audit_period_without_codings_is_said(store):
    hostile_world(store)
    for i in range(5):
        store.text("a", date(2024, 10, 1) + timedelta(days=i), HOSTILE)
    made = rise_of(store.session, monitor_of(), "a", "b", (PRESENT[0], date(2025, 1, 1)), REFERENCE)
    assert made.flags == ("nothing is coded in 2024-Q4: its texts are taken to be like the coded ones",)
    assert made.exposure[0] == pytest.approx(45 * 8 / 13)


def test_questions_that_can_not_be_asked_are_refused(store):
    ask = lambda a, b, now, before: rise_of(store.session, monitor_of(), a, b, now, before)  # noqa: E731
    with pytest.raises(ValueError, match="no group 'z'"):
        ask("a", "z", PRESENT, REFERENCE)
    with pytest.raises(ValueError, match="one group"):
        ask("a", "a", PRESENT, REFERENCE)
    with pytest.raises(ValueError, match="no day lies"):
        ask("a", "b", (PRESENT[1], PRESENT[0]), REFERENCE)


def test_the_second_head_of_the_codebook_is_hostile():
    assert codebook_of("criticism").two_heads.names == ("supportive", "hostile")


def test_texts_come_in_the_order_asked_for_and_without_those_that_are_gone(store):
    ids = [store.text("a", Q1, f"text {i}").id for i in range(3)]
    assert [i for i, _ in texts_in_order(store.session, [ids[2], 999, ids[0]])] == [ids[2], ids[0]]


def test_an_empty_monitor_has_no_rows(store):
    assert directed_rows(store.session, monitor_of(since=None), "quarter", today=TODAY) == []
