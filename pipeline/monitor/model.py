"""What is watched: groups, sources, dyads, events."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from pipeline.monitor.fields import Address, Day, HostPort, Identifier, Language, Part, Period, Words, no_repeats
from pipeline.monitor.sources import Source


class Group(Part):
    """An organisation or current whose discourse is tracked."""

    id: Identifier = Field(description="Short name by which the rest of the file speaks of it.")
    name: Words = Field(description="Name as pages show it.")
    aliases: dict[Language, list[str]] = Field(
        default_factory=dict,
        description="Names by language code; masked before training, so that framing is learnt and not the speaker.",
    )
    description: str = Field(default="", description="Who they are.")


class Dyad(Part):
    """An ordered pair of groups; its gap is the balance of `a` minus the balance of `b`."""

    a: Identifier = Field(description="A group.")
    b: Identifier = Field(description="Another group.")

    @property
    def id(self) -> str:
        return f"{self.a}--{self.b}"


class Event(Part):
    """A dated outside fact, drawn on charts."""

    date: Day = Field(description="The day, YYYY-MM-DD.")
    dyad: tuple[Identifier, Identifier] | None = Field(default=None, description="Whom it concerns; all when left out.")
    kind: Literal["statement", "quarrel", "split", "no-split", "reconciliation", "rename", "other"] = Field(
        description="What it was; no-split: watched, and did not break."
    )
    text: Words = Field(description="What happened, in a few words.")
    reference: Words = Field(description="Where this can be read.")


class Silence(Part):
    """For how long nobody is told of a dyad's state; never without an end, and never without saying where it was
    decided."""

    dyad: tuple[Identifier, Identifier] | None = Field(default=None, description="Which dyad; all when left out.")
    until: Day = Field(description="The last silent day, YYYY-MM-DD.")
    link: Address = Field(description="Where it was decided or is discussed.")
    reason: Words = Field(min_length=1, description="Why, in a few words.")


class Monitor(Part):
    """What is watched."""

    name: Identifier = Field(description="Part of every DAG's name; rows in the store carry it.")
    title: Words = Field(description="Name as pages show it.")
    description: str = Field(default="", description="What is watched and why.")
    since: date | None = Field(default=None, description="First day the trend tables speak of; else the first text's.")
    until: date | None = Field(default=None, description="Last day the trend tables speak of; else today.")
    periods: Annotated[list[Period], AfterValidator(no_repeats)] = Field(
        default=["week", "month", "quarter"], min_length=1, description="The trend table's periods (UTC, ISO weeks)."
    )
    audit_period: Period = Field(default="quarter", description="Random codings correct the model over this period.")
    groups: list[Group] = Field(min_length=1, description="Whose discourse is tracked.")
    sources: list[Source] = Field(min_length=1, description="Where their texts appear.")
    masked: list[str] = Field(
        default_factory=list,
        description="Other names taken out of texts before a model reads them: persons, papers, places of publication. "
        "Names and aliases of groups always are.",
    )
    dyads: list[Dyad] = Field(default_factory=list, description="Ordered pairs of groups; `[a, b]` for short.")
    events: list[Event] = Field(default_factory=list, description="Dated outside facts.")
    silences: list[Silence] = Field(
        default_factory=list, description="Changes of state of which nobody is told for a while."
    )
    allowed_addresses: list[HostPort] = Field(
        default_factory=list,
        description="Loopback or private host:port that may be fetched all the same. Exact; for tests and demos.",
    )

    @model_validator(mode="before")
    @classmethod
    def _short_dyads(cls, data: Any) -> Any:
        """`[a, b]` is short for `{a: a, b: b}`."""
        if isinstance(data, dict) and isinstance(data.get("dyads"), list):
            dyads = [{"a": d[0], "b": d[1]} if isinstance(d, list) and len(d) == 2 else d for d in data["dyads"]]
            return {**data, "dyads": dyads}
        return data

    def group(self, group_id: str) -> Group:
        """The group of this id; KeyError when there is none."""
        for group in self.groups:
            if group.id == group_id:
                return group
        raise KeyError(group_id)

    def source(self, source_id: str) -> Source:
        """The source of this id; KeyError when there is none."""
        for source in self.sources:
            if source.id == source_id:
                return source
        raise KeyError(source_id)

    def sources_of(self, group_id: str) -> list[Source]:
        """The sources in which the group itself speaks."""
        return [
            s
            for s in self.sources
            if s.speaker == "own" and (s.group == group_id or (s.kind == "table" and group_id in s.groups.values()))
        ]
