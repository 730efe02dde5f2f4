from datetime import date

import pytest

from pipeline.measure.missing import Coverage, flags, why_empty
from pipeline.monitor import Monitor
from pipeline.monitor.periods import period_of

APRIL = period_of("month", date(2024, 4, 1))


def _sources(*outages_by_source):
    monitor = Monitor.model_validate(
        {
            "name": "m",
            "title": "T",
            "groups": [{"id": "a", "name": "A"}],
            "sources": [
                {
                    "id": f"s{i}",
                    "group": "a",
                    "speaker": "own",
                    "kind": "feed",
                    "addresses": ["https://example.org/f"],
                    "outages": [{"start": s, "end": e, "reason": r} for s, e, r in outages],
                }
                for i, outages in enumerate(outages_by_source)
            ],
        }
    )
    return monitor.sources


def _covered(sources, first=date(2024, 1, 5), until=date(2024, 12, 31)):
    return Coverage(sources, first, {s.id: until for s in sources} if until else {})


@pytest.mark.parametrize(
    ("coverage", "reason"),
    [
        (_covered(_sources([])), "silent"),
        (_covered(_sources([("2024-03-15", "2024-04-01", "server moved")])), "outage: server moved"),
        (_covered(_sources([], [("2024-04-10", "2024-04-20", "blocked")])), "outage: blocked"),
        (_covered(_sources([("2024-05-01", "2024-05-02", "later")])), "silent"),
        (_covered([]), "not collected: no source in which the group itself speaks"),
        (_covered(_sources([]), until=None), "not collected: no run of its sources has succeeded"),
        (_covered(_sources([]), first=None), "not collected: no text of the group was ever collected"),
        (_covered(_sources([]), first=date(2024, 5, 1)), "not collected: before its first text (2024-05-01)"),
        (_covered(_sources([]), until=date(2024, 3, 31)), "not collected: its sources were last read up to 2024-03-31"),
        (_covered(_sources([]), until=date(2024, 4, 1)), "silent"),
    ],
)
def test_why_a_cell_is_empty(coverage, reason):
    assert why_empty(APRIL, coverage) == reason


def test_a_hole_in_a_web_archive_is_no_silence():
    monitor = Monitor.model_validate(
        {
            "name": "m",
            "title": "T",
            "groups": [{"id": "a", "name": "A"}],
            "sources": [{"id": "w", "group": "a", "speaker": "own", "kind": "warc", "paths": ["x.warc.gz"]}],
        }
    )
    reason = why_empty(APRIL, _covered(monitor.sources))
    assert reason == "not collected: its web archive files hold no text of this period"


def test_flags_of_a_period():
    sources = _sources([("2024-04-10", "2024-04-20", "blocked")], [])
    coverage = Coverage(sources, date(2024, 1, 1), {"s0": date(2024, 4, 12)})
    assert flags(APRIL, coverage, date(2024, 4, 15)) == [
        "period not finished",
        "outage of s0 from 2024-04-10 to 2024-04-20",
        "s0 was last collected on 2024-04-12",
        "s1 was never collected",
    ]


def test_a_finished_period_that_was_collected_has_no_flag():
    assert flags(APRIL, _covered(_sources([])), date(2025, 1, 1)) == []
    assert flags(APRIL, _covered(_sources([]), until=date(2024, 4, 29)), date(2024, 5, 1)) == [
        "s0 was last collected on 2024-04-29"
    ]
