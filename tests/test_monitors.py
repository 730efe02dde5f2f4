from pathlib import Path

import pytest

from pipeline.monitors import SomeMonitorsFailedError, for_each_monitor, load_monitors
from pipeline.report import Report
from pipeline.settings import Settings

TEXT = """\
name: {name}
title: A title
groups: [{{id: a, name: A}}]
sources:
  - {{id: s, kind: feed, group: a, speaker: own, addresses: [https://a.example/feed]}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "1-broken.yaml").write_text("name: [")
    (tmp_path / "2-north.yaml").write_text(TEXT.format(name="north"))
    (tmp_path / "3-again.yml").write_text(TEXT.format(name="north"))
    (tmp_path / "4-south.yaml").write_text(TEXT.format(name="south"))
    return tmp_path


def test_a_broken_file_and_a_repeated_name_do_not_keep_the_others_out(folder):
    loaded = load_monitors(Settings(monitors=folder).monitor_files())
    assert [m.name for m in loaded.monitors.values()] == ["north", "south"]
    broken = {f.name: str(e) for f, e in loaded.broken.items()}
    assert set(broken) == {"1-broken.yaml", "3-again.yml"}
    assert "not YAML" in broken["1-broken.yaml"]
    assert "3-again.yml:1: name: 'north' is the name of 2-north.yaml too" in broken["3-again.yml"]


def test_every_monitor_has_its_turn_and_failures_are_told_in_the_end(folder):
    done = []

    def job(settings, monitor):
        done.append(monitor.name)
        if monitor.name == "north":
            raise ValueError("the north is closed")
        return Report("measure", found=3)

    with pytest.raises(SomeMonitorsFailedError) as caught:
        for_each_monitor(Settings(monitors=folder), job)
    assert done == ["north", "south"]
    for words in (
        "south: measure: 3 found",
        "2-north.yaml: ValueError: the north is closed",
        "1-broken.yaml:1",
        "3-again.yml",
    ):
        assert words in str(caught.value)


def test_sentences_of_all_when_all_is_well(folder):
    for name in ("1-broken.yaml", "3-again.yml"):
        (folder / name).unlink()
    sentences = for_each_monitor(Settings(monitors=folder), lambda settings, monitor: Report("frame", found=1))
    assert sentences == ["north: frame: 1 found in 0.0 s.", "south: frame: 1 found in 0.0 s."]
