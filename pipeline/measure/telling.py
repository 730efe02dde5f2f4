"""What people are told of a dyad: each change of state once, with its reasons and figures, unless it is silenced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from html import escape

from pipeline.measure.alarm_log import LEFT
from pipeline.measure.state import STEADY
from pipeline.monitor import Monitor, Silence
from pipeline.monitor.periods import period_of
from pipeline.settings import Settings
from pipeline.store.session import open_session
from pipeline.store.states import all_told, begin_telling, mark_silenced, mark_told, untold
from pipeline.store.tables import StateChange

FIGURES: Mapping[str, str] = {
    "model_gap": "gap by the model, scaled by how far it is trusted",
    "up": "C+, how much speaks for a rise of that gap",
    "down": "C\N{MINUS SIGN}, how much speaks for a fall",
    "threshold": "h, an alarm is raised above it",
}
"""The figures of a change of state in words, in the order in which they are told."""

OLDEST = timedelta(days=14)
"""A change that nobody was told for so long (no address was set, nothing could be sent) is no news any more."""


@dataclass(frozen=True)
class Message:
    """What is sent of one change."""

    change: int
    """its number"""
    title: str
    text: str
    told: tuple[str, ...] = ()
    """ways in which people were told of it already"""

    @property
    def html(self) -> str:
        """The text for a mail that is read as HTML."""
        return f"<pre>{escape(self.text)}</pre>"


def silenced_by(silences: Sequence[Silence], a: str, b: str, day: date) -> Silence | None:
    """The silence that holds for a dyad on a day, the longest one of several."""
    holding = [s for s in silences if s.dyad in {None, (a, b), (b, a)} and day <= s.until]
    return max(holding, key=lambda s: s.until, default=None)


def message_of(monitor: Monitor, change: StateChange) -> Message:
    """The words for one change."""
    a, b = (monitor.group(group).name for group in (change.a, change.b))
    label = period_of(change.period, change.start).label  # type: ignore[arg-type]  # the column holds nothing else
    figures = [
        f"  {words}: {value:{'+.3f' if name == 'model_gap' else '.1f'}}"
        for name, words in FIGURES.items()
        if isinstance(value := change.figures.get(name), float)
    ]
    before = f"It was: {change.previous}." if change.previous else "It is the first state of this dyad."
    again = ["This may have been sent before: the last attempt was broken off.", ""] if change.tries else []
    lines = [
        *again,
        f"{a} and {b}: {change.state}, in {label}. {before}",
        "",
        "Why:",
        *(f"  {reason}" for reason in change.reasons),
        *(["", "Figures:", *figures] if figures else []),
        "",
        "Divergence of framing is not a break of an alliance. The texts and codings stand on the dyad's page.",
        f"Monitor {monitor.name}, computed {change.as_of:%Y-%m-%d %H:%M} UTC.",
    ]
    return Message(change.id, f"Riftwatch: {a} and {b}: {_news(change)}", "\n".join(lines), tuple(change.told))


def _news(change: StateChange) -> str:
    if "alarm" in str(change.figures.get("said")):
        return "alarm, codings needed"
    # a state other than steady is told again only because of another alarm
    again = change.state == change.previous != STEADY
    return f"{change.state}, another alarm, codings needed" if again else change.state


def messages(settings: Settings, monitor: Monitor, *, now: datetime | None = None) -> list[Message]:
    """What people are to be told now, the oldest first.

    Silenced and outdated changes, and those of dyads that have left the monitor, are marked, with why, and left out.
    """
    now = now or datetime.now(UTC)
    made = []
    with open_session(settings) as session:
        for change in untold(session, monitor.name):
            silence = silenced_by(monitor.silences, change.a, change.b, now.date())
            if (change.a, change.b) not in {(d.a, d.b) for d in monitor.dyads}:
                mark_silenced(session, change.id, LEFT)
            elif silence is not None:
                mark_silenced(session, change.id, f"{silence.reason}, until {silence.until}: {silence.link}")
            elif now - change.as_of > OLDEST:
                mark_silenced(session, change.id, f"nobody could be told for {OLDEST.days} days")
            else:
                made.append(message_of(monitor, change))
        session.commit()
    return made


def tell(
    settings: Settings, message: Message, ways: Mapping[str, Callable[[Message], None]], *, now: datetime | None = None
) -> list[str]:
    """Send a message in every way in which it was not sent yet; returns what went wrong, in words.

    Each way is noted when it has succeeded, so that one that fails does not repeat the others. Whoever is killed
    between sending and noting sends it twice, and then says so. Where a way that failed is no way any more and the
    others have all succeeded, the change is told, and nothing is sent.
    """
    left = [way for way in ways if way not in message.told]
    with open_session(settings) as session:
        if left:
            begin_telling(session, message.change)
        elif ways:
            all_told(session, message.change, now or datetime.now(UTC))
        session.commit()
    wrong = []
    for way in left:
        try:
            ways[way](message)
        except Exception as error:  # whatever a mail server or a service does, the other ways are tried
            wrong.append(f"{message.title}: {way}: {type(error).__name__}: {error}")
            continue
        with open_session(settings) as session:
            mark_told(session, message.change, way, now or datetime.now(UTC), last=way == left[-1] and not wrong)
            session.commit()
    return wrong
