from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest

from pipeline.measure.telling import messages, tell
from pipeline.monitor import MonitorError, load_monitor
from pipeline.store.session import open_session
from pipeline.store.states import add_change, state_changes

NOW = datetime(2024, 6, 3, 9, tzinfo=UTC)


@pytest.fixture
def changed(store_settings, monitor_of):
    """A store with one change, and a function that adds more."""

    number = count()

    def change(**columns):
        with open_session(store_settings) as session:
            plain = {
                "monitor": "m", "a": "a", "b": "b", "period": "week", "start": date(2024, 5, 27), "state": "diverging",
                "previous": "steady", "after_id": next(number), "reasons": ["confirmed by <coders>"], "as_of": NOW,
                "figures": {"said": "diverging", "model_gap": 0.25},
            }  # fmt: skip
            add_change(session, **plain | columns)
            session.commit()

    change()
    return store_settings, monitor_of(), change


def test_a_change_is_told_once_with_its_reasons_and_figures(changed):
    settings, monitor, _ = changed
    (one,) = messages(settings, monitor, now=NOW)
    assert one.title == "Riftwatch: A and B: diverging"
    for part in ("A and B: diverging, in 2024-W22. It was: steady.", "  confirmed by <coders>"):
        assert part in one.text
    assert "  gap by the model, scaled by how far it is trusted: +0.250" in one.text
    assert "said" not in one.text
    assert "&lt;coders&gt;" in one.html
    assert "sent before" not in one.text
    sent = []
    assert tell(settings, one, {"mail": sent.append, "apprise": sent.append}, now=NOW) == []
    assert sent == [one, one]
    assert messages(settings, monitor, now=NOW) == []


def test_figures_are_told_in_words(changed):
    """All that judging keeps with a change of state (pipeline.measure.judging), none by the name of its column."""
    settings, monitor, change = changed
    change(
        figures={"said": "steady, alarm", "model_gap": -0.25, "up": 0.0, "down": 6.31, "threshold": 5.2, "alarms": [3]}
    )
    told = messages(settings, monitor, now=NOW)[-1].text
    figures = told[told.index("Figures:") :].split("\n\n")[0].splitlines()
    assert figures[1:] == [
        "  gap by the model, scaled by how far it is trusted: -0.250",
        "  C+, how much speaks for a rise of that gap: 0.0",
        "  C\N{MINUS SIGN}, how much speaks for a fall: 6.3",
        "  h, an alarm is raised above it: 5.2",
    ]


def test_one_that_was_broken_off_is_told_again_and_says_so(changed):
    settings, monitor, _ = changed
    (one,) = messages(settings, monitor, now=NOW)

    def killed(message):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tell(settings, one, {"mail": killed}, now=NOW)
    (again,) = messages(settings, monitor, now=NOW)
    assert again.change == one.change
    assert again.text.startswith("This may have been sent before")


def test_a_way_that_fails_repeats_no_other_and_keeps_no_other_message(changed):
    settings, monitor, change = changed
    change(state="rift")
    mailed = []

    def broken(message):
        raise OSError("no route")

    for one in messages(settings, monitor, now=NOW):
        (wrong,) = tell(settings, one, {"mail": mailed.append, "apprise": broken}, now=NOW)
        assert wrong.endswith("apprise: OSError: no route")
    assert len(mailed) == 2
    posted = []
    for one in messages(settings, monitor, now=NOW):
        assert tell(settings, one, {"mail": mailed.append, "apprise": posted.append}, now=NOW) == []
    assert (len(mailed), len(posted)) == (2, 2)
    assert messages(settings, monitor, now=NOW) == []


def test_a_way_that_failed_and_is_one_no_more_leaves_nothing_untold(changed):
    settings, monitor, _ = changed
    mailed = []

    def broken(message):
        raise OSError("no route")

    (one,) = messages(settings, monitor, now=NOW)
    assert tell(settings, one, {"mail": mailed.append, "apprise": broken}, now=NOW)
    (one,) = messages(settings, monitor, now=NOW)
    assert tell(settings, one, {"mail": mailed.append}, now=NOW + timedelta(hours=1)) == []
    assert len(mailed) == 1
    assert messages(settings, monitor, now=NOW) == []
    with open_session(settings) as session:
        (row,) = state_changes(session, "m")
    assert (row.told_at, row.tries) == (NOW + timedelta(hours=1), 1)


def test_an_alarm_that_needs_codings_is_said_so(changed):
    settings, monitor, change = changed
    change(state="steady", previous="steady", figures={"said": "steady, alarm"})
    assert messages(settings, monitor, now=NOW)[-1].title == "Riftwatch: A and B: alarm, codings needed"
    change(state="diverging", previous="diverging")
    told = messages(settings, monitor, now=NOW)[-1].title
    assert told == "Riftwatch: A and B: diverging, another alarm, codings needed"
    change(state="steady", previous="steady", figures={"said": "steady"})
    assert messages(settings, monitor, now=NOW)[-1].title == "Riftwatch: A and B: steady"


@pytest.mark.parametrize("dyad", [["a", "b"], ["b", "a"], None])
def test_a_silence_holds_until_its_last_day_and_is_kept_with_its_link(changed, monitor_of, dyad):
    settings, _, change = changed
    rule = {"until": "2024-06-03", "link": "https://example.org/minutes", "reason": "known mistranslation"}
    monitor = monitor_of(silences=[rule | ({"dyad": dyad} if dyad else {})])
    assert messages(settings, monitor, now=NOW) == []
    change()
    assert len(messages(settings, monitor, now=NOW + timedelta(days=1))) == 1
    with open_session(settings) as session:
        first, second = state_changes(session, "m")
    assert first.silenced == "known mistranslation, until 2024-06-03: https://example.org/minutes"
    assert (first.told_at, second.silenced) == (None, None)


def test_what_is_old_and_what_is_no_dyad_any_more_is_marked_not_sent(changed, monitor_of):
    settings, _, change = changed
    change(a="b", b="a")
    assert messages(settings, monitor_of(), now=NOW + timedelta(days=15)) == []
    with open_session(settings) as session:
        assert [row.silenced for row in state_changes(session, "m")] == [
            "nobody could be told for 14 days",
            "the monitor has no such dyad any more",
        ]


@pytest.mark.parametrize(
    ("silence", "said"),
    [
        ("{dyad: [heron, maple], until: 2024-06-03, reason: x}", "link"),
        ("{dyad: [heron, maple], link: 'https://example.org/', reason: x}", "until"),
        ("{until: 2024-06-03, link: 'https://example.org/'}", "reason"),
        ("{dyad: [heron, dove], until: 2024-06-03, link: 'https://example.org/', reason: x}", "unknown group 'dove'"),
    ],
)
def test_a_silence_without_link_end_or_reason_is_refused(tmp_path, silence, said):
    file = tmp_path / "m.yaml"
    file.write_text(
        "name: m\ntitle: t\ngroups: [{id: heron, name: H}, {id: maple, name: M}]\n"
        "sources: [{id: s, kind: feed, speaker: own, group: heron, addresses: ['https://example.org/feed']}]\n"
        f"dyads: [[heron, maple]]\nsilences:\n  - {silence}\n"
    )
    with pytest.raises(MonitorError, match=said):
        load_monitor(file)
