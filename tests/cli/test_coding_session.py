import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterable

import pytest
import sqlalchemy as sa

from classifiers.codebook import codebook_of, codebooks
from pipeline.cli.coding_session import COMMANDS, CodingSession, Desk, keys_of, languages_of, prompt_of, rules_of
from pipeline.framing.labelling import answer, next_item
from pipeline.framing.queue import draw_queue
from pipeline.monitor import Monitor
from pipeline.settings import PROJECT_ROOT
from pipeline.store.session import open_session
from pipeline.store.tables import Assignment, Coding, QueueItem
from tests.framing.labelled import add_texts

MONITOR = """
name: m
title: A monitor
groups:
  - {id: a, name: Aurin Front}
  - {id: b, name: Belt League}
sources:
  - {id: s, kind: feed, group: a, speaker: own, addresses: ["http://127.0.0.1:1/feed"]}
"""


class Typist:
    """Presses keys and reads what is shown; after the last key, no key comes any more."""

    def __init__(self, keys: Iterable[str], lines: Iterable[str] = ()) -> None:
        self.keys, self.lines, self.shown = iter(keys), iter(lines), []

    def show(self, text: str, *, strong: bool = False) -> None:
        self.shown.append(text)

    def key(self) -> str:
        return next(self.keys, "")

    def line(self, prompt: str) -> str:
        return next(self.lines)


@pytest.fixture
def monitor_file(tmp_path):
    file = tmp_path / "m.yaml"
    file.write_text(MONITOR)
    return file


@pytest.fixture
def desk(settings, monitor_file):
    from pipeline.monitor import load_monitor

    monitor: Monitor = load_monitor(monitor_file)
    add_texts(settings, 5)
    draw_queue(settings, monitor, variable="framing", size=5, second=0, seed=1)
    return Desk(settings, monitor, "c1")


def _values(settings) -> list[str]:
    with open_session(settings) as session:
        return [c.value for c in session.scalars(sa.select(Coding).order_by(Coding.coded_at, Coding.id))]


@pytest.mark.parametrize("book", codebooks(), ids=lambda book: book.variable)
def test_every_value_has_a_key_of_its_own_and_the_rules_are_the_codebooks(book):
    assert list(keys_of(book).values()) == book.names
    assert not set(keys_of(book)) & {*COMMANDS, "0"}
    assert all(value in prompt_of(book) for value in book.names)
    told = "\n".join(rules_of(book))
    assert all(one.definition.strip() in told for one in book.values)
    assert all(rule.rule.strip() in told for rule in book.rules)


def test_one_key_codes_and_the_next_text_comes(desk):
    typist = Typist("1234q")
    assert CodingSession(desk, typist).run() == 4
    assert _values(desk.settings) == codebook_of("framing").names
    with open_session(desk.settings) as session:  # the fifth is free again at once
        assert session.scalar(sa.select(sa.func.count()).select_from(Assignment)) == 4
    assert CodingSession(desk, Typist("1")).run() == 1
    assert typist.shown.count("-> both") == 1


def test_the_text_is_shown_without_its_source(desk):
    typist = Typist("q")
    CodingSession(desk, typist).run()
    shown = "\n".join(typist.shown)
    item = next_item(desk.settings, desk.monitor, "c1")
    assert item.text in shown and item.title in shown and item.published_at.date().isoformat() in shown  # noqa: PT018
    assert "random" not in shown
    assert " s" not in typist.shown[1]
    open_desk = Desk(desk.settings, desk.monitor, "c1", show_source=True)
    CodingSession(open_desk, typist := Typist("q")).run()
    assert typist.shown[1].endswith("a, s")


def test_note_rules_skip_undo_and_an_unknown_key(desk):
    typist = Typist("?xn1" + "u" + "2" + "s" + "0" + "3", ["  a remark "])
    assert CodingSession(desk, typist).run() == 3
    assert any("In whose name does this text speak?" in line for line in typist.shown)
    assert _values(desk.settings) == ["universalist", "both"]
    with open_session(desk.settings) as session:
        assert {c.note for c in session.scalars(sa.select(Coding))} == {None}  # the note went with the answer
        assert [a.outcome for a in session.scalars(sa.select(Assignment))].count("unclear") == 1


def test_undo_without_an_answer_and_the_end_of_the_queue_are_said(desk):
    typist = Typist("u11111")
    assert CodingSession(desk, typist).run() == 5
    assert "there is nothing to take back" in typist.shown
    assert typist.shown[-1] == "nothing is left to code"


def test_an_answer_that_stays_is_said_and_the_text_goes_on(desk):
    with open_session(desk.settings) as session:
        session.execute(sa.update(QueueItem).values(coders=2))
        session.commit()
    first = next_item(desk.settings, desk.monitor, "c2").item
    answer(desk.settings, desk.monitor, first, "both", "c2")
    typist = Typist("1" + "u" + "2" + "q")
    assert CodingSession(desk, typist).run() == 2
    assert any("other coder has finished too" in line for line in typist.shown)
    assert _values(desk.settings) == ["both", "nationalist", "universalist"]


def test_skipped_texts_are_left_for_others(desk):
    typist = Typist("sssss")
    assert CodingSession(desk, typist).run() == 0
    assert typist.shown[-1] == "nothing is left to code; 5 skipped"
    assert CodingSession(desk, Typist("1")).run() == 1


def test_languages_are_split():
    assert languages_of("en, ar") == ("en", "ar")
    assert languages_of(None) == ()


def _until(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_in_a_real_terminal_killed_and_begun_again_nothing_is_lost_or_double(desk, monitor_file):
    command = [sys.executable, "-m", "pipeline.cli", "label", "code", "--coder", "c1", "-m", str(monitor_file)]
    environment = {"PATH": "/usr/bin:/bin", "TERM": "xterm", "RIFTWATCH_DATA": str(desk.settings.data)}
    for expected in (1, 2):
        keyboard, screen = pty.openpty()
        process = subprocess.Popen(
            command, stdin=screen, stdout=screen, stderr=screen, env=environment, cwd=PROJECT_ROOT, close_fds=True
        )
        os.close(screen)
        try:
            seen = b""
            while b"quit" not in seen:
                assert select.select([keyboard], [], [], 60)[0]
                seen += os.read(keyboard, 4096)
            os.write(keyboard, b"1")
            _until(lambda n=expected: len(_values(desk.settings)) == n)
        finally:
            process.kill()
            process.wait()
            os.close(keyboard)
    assert CodingSession(desk, Typist("111q")).run() == 3
    assert len(_values(desk.settings)) == 5
