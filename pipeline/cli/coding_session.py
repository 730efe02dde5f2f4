"""Coding in a terminal: a text, one key for each value, the next text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from classifiers.codebook import Codebook, codebook_of
from pipeline.framing.labelling import Item, LabellingError, answer, give_back, next_item, renew_each, undo
from pipeline.monitor import Monitor
from pipeline.settings import Settings
from pipeline.store.queues import UNCLEAR

UNCLEAR_KEY = "0"
COMMANDS = {"u": "undo", "n": "note", "?": "rules", "s": "skip", "q": "quit"}
VALUE_KEYS = [c for c in "123456789abcdefghijklmoprtvwxyz" if c not in COMMANDS]
END = {"\x03", "\x04", ""}
"""Ctrl-C, Ctrl-D, no key any more"""


class Terminal(Protocol):
    """Where the coder sits."""

    def show(self, text: str, *, strong: bool = False) -> None:
        """Print wrapped lines."""

    def key(self) -> str:
        """The next key that is pressed."""

    def line(self, prompt: str) -> str:
        """A line that is typed."""


@dataclass(frozen=True)
class Desk:
    """Who codes what, and from which queue."""

    settings: Settings
    monitor: Monitor
    coder: str
    queue: int | None = None
    languages: tuple[str, ...] = ()
    show_source: bool = False


def keys_of(book: Codebook) -> dict[str, str]:
    """Key -> value, in the codebook's order. ValueError for a codebook with more values than there are keys."""
    if len(book.names) > len(VALUE_KEYS):
        raise ValueError(f"{book.variable} has {len(book.names)} values, and {len(VALUE_KEYS)} keys are free")
    return dict(zip(VALUE_KEYS, book.names, strict=False))


def rules_of(book: Codebook) -> list[str]:
    """The codebook as a coder reads it."""
    lines = [book.question.strip(), ""]
    lines += [
        f"{key} {value.value}: {value.definition.strip()}" for key, value in zip(VALUE_KEYS, book.values, strict=False)
    ]
    return [*lines, "", *(f"{rule.title}: {rule.rule.strip()}" for rule in book.rules)]


def heading(item: Item, show_source: bool) -> str:
    """What stands above a text: where it is asked for, the group it is coded towards, title and date."""
    parts = [f"[{item.item}] {item.variable}"]
    if item.target:
        parts.append(f"towards {item.target_name}")
    if item.published_at is not None:
        parts.append(item.published_at.date().isoformat())
    if show_source:
        parts.append(f"{item.group or 'no group'}, {item.source}")
    return "  ".join(parts)


def prompt_of(book: Codebook) -> str:
    """The keys there are."""
    values = [f"{key} {value}" for key, value in keys_of(book).items()]
    return "  ".join([*values, f"{UNCLEAR_KEY} unclear", "|", *(f"{key} {what}" for key, what in COMMANDS.items())])


class CodingSession:
    """One coder at one terminal. Nothing is kept here that is not in the store, but the note and what was skipped."""

    def __init__(self, desk: Desk, terminal: Terminal) -> None:
        self.desk = desk
        self.terminal = terminal
        self.done = 0
        self.skipped: list[str] = []
        self.note: str | None = None

    def run(self) -> int:
        """Code until the coder quits or nothing is left; returns how many answers were given."""
        while (item := self._next()) is not None:
            self.note = None
            if not self._one(item):
                return self.done
        self.terminal.show("nothing is left to code" + (f"; {len(self.skipped)} skipped" if self.skipped else ""))
        return self.done

    def _next(self) -> Item | None:
        desk = self.desk
        return next_item(
            desk.settings, desk.monitor, desk.coder, queue=desk.queue, languages=desk.languages, leave=self.skipped
        )

    def _show(self, item: Item, book: Codebook) -> None:
        show = self.terminal.show
        show("")
        show(heading(item, self.desk.show_source), strong=True)
        if item.title:
            show(item.title, strong=True)
        show(item.text)
        show(prompt_of(book), strong=True)

    def _one(self, item: Item) -> bool:
        """Until the coder is done with an item; False: quits."""
        book = codebook_of(item.variable)
        values = {**keys_of(book), UNCLEAR_KEY: UNCLEAR}
        self._show(item, book)
        while True:
            key = self.terminal.key()
            if key in values:
                self._answer(item, values[key])
                return True
            if key in END or key == "q":
                give_back(self.desk.settings, [item.item], self.desk.coder)
                return False
            if key == "s":
                give_back(self.desk.settings, [item.item], self.desk.coder)
                self.skipped.append(item.item)
                return True
            if key == "u":
                if self._undo(item):
                    return True
            elif key == "n":
                self.note = self.terminal.line("note: ").strip() or None
            elif key == "?":
                for line in rules_of(book):
                    self.terminal.show(line)
            else:
                self.terminal.show(prompt_of(book))
            renew_each(self.desk.settings, [item.item], self.desk.coder)

    def _answer(self, item: Item, value: str) -> None:
        desk = self.desk
        try:
            answer(desk.settings, desk.monitor, item.item, value, desk.coder, note=self.note)
        except LabellingError as error:  # the text went to another coder meanwhile, or the queue was closed
            self.terminal.show(str(error))
            return
        self.done += 1
        self.terminal.show(f"-> {value}")

    def _undo(self, item: Item) -> bool:
        """Take the last answer back and go to it; False when there is none."""
        desk = self.desk
        try:
            before = undo(desk.settings, desk.monitor, desk.coder, queue=desk.queue)
        except LabellingError as error:  # the text's other coder has finished too, or the queue was closed just now
            self.terminal.show(str(error))
            return False
        if before is None:
            self.terminal.show("there is nothing to take back")
            return False
        give_back(desk.settings, [item.item], desk.coder)
        self.terminal.show(f"the answer to {before} is taken back")
        self.skipped = [one for one in self.skipped if one != before]
        self.done = max(0, self.done - 1)
        return True


def languages_of(text: str | None) -> Sequence[str]:
    """``en,ar`` as languages."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
