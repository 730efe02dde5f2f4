from datetime import UTC, datetime, timedelta

import pytest

from pipeline.demo.answering import measured_in_full, planted, queues_to_answer
from pipeline.demo.world import DEMO_MONITOR, load_posts
from pipeline.monitor import load_monitor
from pipeline.settings import Settings
from pipeline.store.tables import Run

SOURCES = ("one", "two")


def run(job: str, minute: int, seconds: float = 30, source: str | None = None) -> Run:
    began = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(minutes=minute)
    return Run(job=job, source=source, started_at=began, seconds=seconds)


COLLECTED = [run("collect", 0, source="one"), run("collect", 2, source="two")]


@pytest.mark.parametrize(
    ("runs", "done"),
    [
        ([], False),
        ([run("collect", 0, source="one"), run("frame", 3), run("measure", 4)], False),
        ([*COLLECTED, run("measure", 5)], False),
        ([*COLLECTED, run("frame", 4)], False),
        ([*COLLECTED, run("frame", 1), run("measure", 5)], False),
        ([*COLLECTED, run("frame", 4), run("measure", 4)], False),
        ([*COLLECTED, run("frame", 4), run("measure", 5)], True),
        # the sources are collected anew each day; what was complete stays so
        ([*COLLECTED, run("frame", 4), run("measure", 5), run("collect", 9, source="one")], True),
        ([*COLLECTED, run("frame", 1), run("frame", 4), run("measure", 2), run("measure", 6)], True),
    ],
)
def test_the_coder_waits_until_all_was_collected_framed_and_measured(runs, done):
    assert measured_in_full(runs, SOURCES) is done


def test_every_page_has_the_framing_of_its_text():
    known = planted()
    posts = {post.path: post for post in load_posts()}
    assert known.keys() == posts.keys()
    reposts = [post for post in posts.values() if post.repost_of]
    assert all(known[post.path][0] == post.repost_of for post in reposts)
    assert known["/2025/01/t0347"] == ("t0347", "nationalist")


def test_without_an_alarm_there_is_nothing_to_answer(tmp_path):
    settings = Settings(data=tmp_path, database_url="")
    assert queues_to_answer(settings, load_monitor(DEMO_MONITOR)) == {}
