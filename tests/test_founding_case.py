"""The monitors of the founding case: nothing in them without a reference, and nothing scheduled by itself."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipeline.collect.job import collect
from pipeline.monitor import Monitor, WaybackSource, load_monitor
from pipeline.settings import PROJECT_ROOT, Settings
from tests.pywb_server import Seen, running, write_warc

FILES = sorted((PROJECT_ROOT / "monitors" / "founding_case").glob("*.yaml"))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def monitor(request: pytest.FixtureRequest) -> Monitor:
    return load_monitor(request.param)


def test_there_are_two():
    assert len(FILES) == 2


def test_every_event_and_every_source_has_a_reference(monitor):
    assert monitor.events
    assert all(len(event.reference) > 20 for event in monitor.events)
    assert all(source.reference and len(source.reference) > 20 for source in monitor.sources)


def test_a_group_speaks_only_where_a_source_is_its_own(monitor):
    for source in monitor.sources:
        assert (source.speaker == "own") == (source.group is not None), source.id


def test_sources_are_archived_ones_of_the_years_in_question(monitor):
    for source in monitor.sources:
        assert isinstance(source, WaybackSource)
        assert source.schedule is None
        assert source.delay == 5
        assert date(2006, 1, 1) <= source.first_day < source.last_day <= date(2011, 12, 31)


def test_events_lie_inside_the_monitor_and_concern_its_dyad(monitor):
    (dyad,) = monitor.dyads
    for event in monitor.events:
        assert event.dyad == (dyad.a, dyad.b)
        assert monitor.since <= event.date <= monitor.until
    assert [event.date for event in monitor.events] == sorted(event.date for event in monitor.events)


def test_a_case_without_a_split_is_among_them():
    kinds = {path.stem: {event.kind for event in load_monitor(path).events} for path in FILES}
    assert "no-split" in kinds["taliban_al-qaeda_2009"]
    assert "split" not in kinds["taliban_al-qaeda_2009"]
    assert "split" in kinds["iraq_2006-2007"]


def test_every_group_has_names_in_every_language_watched(monitor):
    for group in monitor.groups:
        assert set(group.aliases) == {"en", "ar", "ps", "fa", "ur"}
        assert all(group.aliases.values())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_files_say_plainly_that_they_were_not_run(path: Path):
    text = path.read_text(encoding="utf-8")
    assert "NOT RUN AGAINST THE LIVE ARCHIVE" in text
    assert "check your law" in text


def test_a_run_as_it_stands_but_with_another_archive(settings, tmp_path):
    """Only where the archive lies is changed: to a real pywb that holds two captures of one of the sites."""
    words = "".join(f"<p>The letter says what the well is for, in its paragraph number {n}.</p>" for n in range(6))
    body = f"<html><head><title>A letter</title></head><body><article>{words}</article></body></html>".encode()
    site = "http://www.shahamat.org"
    write_warc(
        tmp_path / "site.warc.gz",
        [
            Seen(f"{site}/2009/10/07/letter.html", "20091009000000", body),
            Seen(f"{site}/a.png", "20091009000000", b"\x89PNG", type="image/png"),
        ],
    )
    with running(tmp_path / "server") as server:
        server.collection("site", tmp_path / "site.warc.gz")
        told = load_monitor(FILES[1]).model_dump(mode="json", by_alias=True)
        for source in told["sources"]:
            source |= {"delay": 0, **server.fields("site")}
        monitor = Monitor.model_validate(told | {"allowed_addresses": [server.host_port]})
        report = collect(settings, monitor, "shahamat")
        assert (report.new, report.failed, report.problems) == (1, 0, ())
        assert report.first == datetime(2009, 10, 7, tzinfo=UTC)
        assert collect(settings, monitor, "ctc").found == 0


def test_nobody_schedules_them_unasked():
    assert not set(Settings(data="unused").monitor_files()) & set(FILES)
