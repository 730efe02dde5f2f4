"""A simulated coder at work: answers the queues that alarms draw, as a person would on the labelling page.

No job of the product does this. The demo does, so that a visitor sees what becomes of an alarm once somebody has
coded its texts; the coder is called "demo coder 1" wherever codings are shown, and leaves the last texts of every queue
to the visitor. A text is answered from what was planted in it, with the mistakes of :mod:`pipeline.demo.coders`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from pipeline.demo.coders import code
from pipeline.demo.world import DEMO_FOLDER, load_posts, load_truth
from pipeline.framing.labelling import answer, next_item
from pipeline.monitor import Monitor
from pipeline.settings import Settings
from pipeline.store.alarms import alarms_of
from pipeline.store.queues import progress_of, row_of_key
from pipeline.store.session import open_session
from pipeline.store.tables import Run

CODER = "demo coder 1"
LEAVE = 20
"""texts of each queue that are left to a visitor"""
PLANNED = 240
"""texts that an alarm of the demo asks coders for: with 160 the interval of a change is about +-.6 wide"""


def planted(folder: Path = DEMO_FOLDER) -> dict[str, tuple[str, str]]:
    """Path of a page -> the id of its text, a repost's original, and the framing that was planted in it."""
    framings = {row.id: row.framing for row in load_truth(folder)}
    return {
        post.path: (text, framings[text])
        for post in load_posts(folder)
        for text in [post.repost_of or post.id]
        if text in framings
    }


def measured_in_full(runs: Sequence[Run], sources: Collection[str]) -> bool:
    """Whether every source was collected, what came was framed after that, and measured after that.

    An alarm that was raised before would be answered by texts of a few sites.
    """
    ended = {run.source: _end(run) for run in reversed(runs) if run.job == "collect"}
    if not set(sources) <= ended.keys():
        return False
    collected = max(ended[source] for source in sources)
    framed = [_end(run) for run in runs if run.job == "frame" and run.started_at >= collected]
    return bool(framed) and any(run.job == "measure" and run.started_at >= min(framed) for run in runs)


def _end(run: Run) -> datetime:
    return run.started_at + timedelta(seconds=run.seconds)


def _left(session: Session, monitor: str, queue: int, now: datetime) -> int:
    return sum(one.left for one in progress_of(session, monitor, queue, now) if one.open)


def queues_to_answer(settings: Settings, monitor: Monitor, leave: int = LEAVE) -> dict[int, int]:
    """Queue of an alarm's confirmation -> how many of its texts the simulated coder would still answer."""
    now = datetime.now(UTC)
    with open_session(settings) as session:
        queues = [alarm.queue_id for alarm in alarms_of(session, monitor.name) if alarm.queue_id is not None]
        left = {queue: _left(session, monitor.name, queue, now) - leave for queue in queues}
    return {queue: number for queue, number in left.items() if number > 0}


def answer_confirmations(
    settings: Settings,
    monitor: Monitor,
    *,
    leave: int = LEAVE,
    coder: str = CODER,
    truth: Mapping[str, tuple[str, str]] | None = None,
) -> int:
    """Answer the queues of the monitor's alarms but for the last ``leave`` texts of each; returns how many.

    In the queue's order, so that what is left could as well be left by a coder who stops. Run again, it answers only
    what new alarms have drawn. Raises KeyError for a text that is not the demo's.
    """
    known = planted() if truth is None else truth
    answered = 0
    for queue, wanted in queues_to_answer(settings, monitor, leave).items():
        for _ in range(wanted):
            item = next_item(settings, monitor, coder, queue=queue)
            if item is None:
                break
            with open_session(settings) as session:
                row = row_of_key(session, item.item)
            if row is None:
                break
            text, framing = known[_path(row.address)]
            answer(settings, monitor, item.item, code(text, framing, 0), coder)
            answered += 1
    return answered


def _path(address: str) -> str:
    return "/" + address.split("/", 3)[3]
