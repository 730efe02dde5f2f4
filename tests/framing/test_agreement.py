from datetime import UTC, datetime, timedelta

import pytest

from classifiers.codebook import CodebookError
from classifiers.coding.agreement import AgreementError
from pipeline.framing.agreement import ALL, UNKNOWN, agreement_table, confusion_table, disagreements
from pipeline.store.codings import keep_codings
from pipeline.store.session import open_session
from pipeline.store.tables import Cluster, Document

NOW = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.fixture
def session(settings):
    with open_session(settings) as opened:
        yield opened


@pytest.fixture
def code(session):
    """Adds codings, written as "coder value coder value ..."; the later the newer."""
    hours = iter(range(10_000))

    def add(address, said, **changes):
        words = said.split()
        for coder, value in zip(words[::2], words[1::2], strict=True):
            keep_codings(
                session,
                "m",
                [
                    {
                        "address": address, "variable": "framing", "target": "", "value": value, "codebook_version": 1,
                        "coder": coder, "coded_at": NOW + timedelta(hours=next(hours)), "draw": "random",
                        "probability": 0.5, "drawn_at": NOW, "note": None,
                    } | changes
                ],
            )  # fmt: skip
        session.commit()

    return add


def _documents(session, *languages, cluster=False):
    own = Cluster(monitor="m")
    session.add(own)
    session.flush()
    for number, language in enumerate(languages):
        session.add(
            Document(
                monitor="m", source="s", speaker="own", address=f"http://x.example/{number}", text=f"Text {number}",
                text_digest=str(number), language=language, collected_at=NOW, updated_at=NOW, extractor="test",
                cluster_id=own.id if cluster else None,
            )
        )  # fmt: skip
    session.commit()


def test_each_language_and_pair_has_its_figure(session, monitor, code):
    _documents(session, "en", "en", "ps", "ps", None)
    for number, said in enumerate(
        [
            "one both two both",
            "one neither two neither three both",
            "one both two neither",
            "one both two both",
            "one both two neither",
        ]
    ):
        code(f"http://x.example/{number}", said)
    rows = agreement_table(session, monitor, "framing")
    assert [(r.language, r.coders, r.texts) for r in rows] == [
        (ALL, ALL, 5),
        (ALL, "one, three", 1),
        (ALL, "one, two", 5),
        (ALL, "three, two", 1),
        ("en", ALL, 2),
        ("en", "one, three", 1),
        ("en", "one, two", 2),
        ("en", "three, two", 1),
        ("ps", ALL, 2),
        (UNKNOWN, ALL, 1),
    ]
    pair = next(r for r in rows if (r.language, r.coders) == ("en", "one, two"))
    assert (pair.alpha, pair.percent) == (1, 1)
    assert rows[0].verdict.startswith("not shown to be reliable")


def test_what_can_not_be_reckoned_is_said_and_is_no_number(session, monitor, code):
    (row,) = agreement_table(session, monitor, "framing")
    assert (row.alpha, row.texts, row.verdict[:21]) == (None, 0, "fewer than two coders")
    code("http://x.example/0", "one both two both")
    (row,) = agreement_table(session, monitor, "framing")
    assert (row.alpha, row.low, row.percent, row.texts) == (None, None, None, 1)
    assert row.verdict.startswith("only one value is in use (both)")
    with pytest.raises(CodebookError, match="unknown variable 'mood'"):
        agreement_table(session, monitor, "mood")
    with pytest.raises(AgreementError, match="unknown draw 'lottery'"):
        agreement_table(session, monitor, "framing", draw="lottery")


def test_machines_and_settling_codings_are_no_coders(session, monitor, code):
    code("http://x.example/0", "one both two neither")
    code("http://x.example/1", "one both two both")
    before = agreement_table(session, monitor, "framing")
    code("http://x.example/0", "gpt both", origin="machine")
    code("http://x.example/0", "three neither", settles=True)
    assert agreement_table(session, monitor, "framing") == before
    code("http://x.example/0", "four both", origin="confirmed")
    assert agreement_table(session, monitor, "framing") != before


def test_reposts_are_one_text_and_the_newest_of_a_coder_counts(session, monitor, code):
    _documents(session, "en", "en", cluster=True)
    code("http://x.example/0", "one both")
    code("http://x.example/1", "two neither one neither")
    code("http://x.example/9", "one both two both")
    row = agreement_table(session, monitor, "framing")[0]
    assert (row.texts, row.alpha) == (2, 1)
    assert disagreements(session, monitor, "framing") == []


def test_draws_can_be_told_apart(session, monitor, code):
    code("http://x.example/0", "one both two neither", draw="active")
    code("http://x.example/1", "one both two both")
    code("http://x.example/2", "one neither two neither")
    assert agreement_table(session, monitor, "framing", draw="random")[0].alpha == 1
    assert agreement_table(session, monitor, "framing")[0].alpha < 1


def test_a_text_is_as_many_units_as_it_has_targets(session, monitor, code):
    for target, said in (("a", "one hostile two hostile"), ("b", "one neutral two supportive")):
        code("http://x.example/0", said, variable="criticism", target=target)
    row = agreement_table(session, monitor, "criticism")[0]
    assert row.texts == 2
    (found,) = disagreements(session, monitor, "criticism")
    assert (found.target, found.values) == ("b", {"one": "neutral", "two": "supportive"})


def test_confusions_come_first_and_agreement_last(session, monitor, code):
    for number, said in enumerate(["one both two neither"] * 2 + ["one both two both"] * 3):
        code(f"http://x.example/{number}", said)
    rows = confusion_table(session, monitor, "framing")
    assert [(r.first, r.value_first, r.second, r.value_second, r.texts) for r in rows] == [
        ("one", "both", "two", "neither", 2),
        ("one", "both", "two", "both", 3),
    ]
    with pytest.raises(AgreementError, match="no text was coded for criticism by two"):
        confusion_table(session, monitor, "criticism")


def test_disagreements_show_their_texts(session, monitor, code):
    _documents(session, "en", "ps")
    code("http://x.example/0", "one both two neither")
    code("http://x.example/1", "one both two neither three universalist")
    code("http://x.example/waiting", "one both two neither")
    found = disagreements(session, monitor, "framing")
    assert [(d.address[-1], d.language, d.text) for d in found] == [
        ("0", "en", "Text 0"),
        ("1", "ps", "Text 1"),
        ("g", None, None),
    ]
    assert [d.address[-1] for d in disagreements(session, monitor, "framing", language="ps")] == ["1"]
    code("http://x.example/1", "three both", settles=True)
    assert len(disagreements(session, monitor, "framing")) == 2
    assert [d.settled for d in disagreements(session, monitor, "framing", settled=True)] == [None, "both", None]
