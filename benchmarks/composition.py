"""Does the split tell a change of framing from a change of what is collected? And do reposts move nothing?

    python -m benchmarks.composition [--worlds 100] [--full] [--data FOLDER]

*Artefacts.* Worlds of one group with four sources and 24 months, of which the last eight are the present. In each
world one thing happens: nothing, a real change of framing within every source, a new source, a source that floods, a
translation feed that the model reads with a bias, or a source that is down for most of the present. Printed: what the
judgement calls it, beside the naive test of all texts (a 5% z test, texts taken as independent), which calls every
one of them a change; and the error of the fixed panel as a measure of the change of framing.

*Reposts.* The demo's texts are collected from a table into SQLite, together with the first printings of the real
agency reports of ../shared/data/news_cluster (one report in several papers), dated into 2025; then the reports' other
printings are collected too, each on all six sites. With deduplication on they must move the gap's change by exactly 0.

Writes nothing; exits 1 below a floor. Without the data set the second half says so and is left out.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ruamel.yaml import YAML

from pipeline.collect.job import collect
from pipeline.demo.world import DEMO_MONITOR, load_posts
from pipeline.extract.similarity import SAME_TEXT, jaccard, shingles
from pipeline.framing.job import frame
from pipeline.measure.composition import GroupTexts, Judgement, Part, Verdict, judge, judge_gap, split_change
from pipeline.measure.sensitivity import DyadTexts, Stretch, gap_change, sensitivity_sheet
from pipeline.monitor import Monitor, load_monitor
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.store.cells import Texts, model_in_force, own_texts
from pipeline.store.session import engine_for, open_session
from pipeline.store.trends import documents_of_cell

Floats = NDArray[np.float64]

SEED = 20090919
PERIODS, PRESENT_FROM = 24, 16
STRETCHES = (range(PRESENT_FROM), range(PRESENT_FROM, PERIODS))
"""reference and present"""
KINDS = ("none", "framing", "new source", "flood", "translation", "outage", "mixed")
FLOOR_RIGHT = 0.85
"""Least share of worlds of any kind that the judgement names rightly."""
CEILING_FRAMING = 0.05
"""Largest share of worlds of any artefact that the judgement calls a change of framing."""
CEILING_FALSE = 0.10
"""Largest share of worlds in which nothing happened that is called a change of framing."""
CEILING_PANEL = 0.05
"""Largest mean absolute error of the fixed panel as a measure of the change of framing, over every kind."""
FLOOR_NAIVE = 0.90
"""Least share of artefacts that the naive test calls a change: else the worlds would be too easy."""
FLOOR_REPOSTS_MOVE = 0.01
"""Without deduplication the copies move the change of the gap by at least this, or the test shows nothing."""


# -- artefacts --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """A simulated group, and how far its sources really changed their framing."""

    texts: GroupTexts
    framing: float


@dataclass(frozen=True)
class Weather:
    """How unsteady a world is besides what happens in it."""

    moment: float
    """standard deviation of source-months about their source's mean"""
    memory: float
    """autocorrelation of that from month to month"""
    burst: float
    """relative variance of a source's monthly rate; 0: Poisson counts"""


CALM, ROUGH = Weather(0.05, 0.0, 0.0), Weather(0.10, 0.3, 0.15)


def _moments(weather: Weather, sources: int, random: np.random.Generator) -> Floats:
    """Deviations of source-months, an AR(1) series for each source. Shape (sources, PERIODS)."""
    fresh = random.normal(0, weather.moment, (sources, PERIODS))
    fresh[:, 1:] *= np.sqrt(1 - weather.memory**2)
    made = fresh
    for t in range(1, PERIODS):
        made[:, t] += weather.memory * made[:, t - 1]
    return made


def simulate(kind: str, weather: Weather, random: np.random.Generator, *, size: float | None = None) -> World:
    """One world of this kind; ``size``: of a change of framing.

    Sources differ by .2 (standard deviation), texts of a source-month by .35.
    """
    level = np.append(np.clip(random.normal(0, 0.2, 4), -0.4, 0.4), 0.0)
    rates = np.repeat(np.append(random.uniform(8, 16, 4), 0.0)[:, None], PERIODS, axis=1)
    language = np.array(["en", "en", "ar", "ar", "en"])
    names = np.array(["one", "two", "three", "four", "five"])
    sign, odd, framing = random.choice([-1.0, 1.0]), int(random.integers(4)), 0.0
    others = float(level[[s for s in range(4) if s != odd]].mean())
    present = slice(PRESENT_FROM, PERIODS)
    if kind in {"framing", "mixed"}:
        framing = sign * (random.uniform(0.15, 0.30) if size is None else size)
    if kind in {"new source", "translation", "mixed"}:
        # in a mixed world the newcomer's part is about as large as that of the framing
        apart, many = ((0.6, 0.8), (25, 40)) if kind == "mixed" else ((0.5, 0.8), (15, 40))
        level[4], rates[4, present] = level[:4].mean() + sign * random.uniform(*apart), random.uniform(*many)
    if kind == "translation":
        language[4] = "fa"
        if random.random() < 0.5:
            names[4] = names[odd]  # a known source starts to translate
    elif kind == "flood":
        level[odd] = others + sign * random.uniform(0.5, 0.7)
        rates[odd, present] *= random.uniform(4, 10)
    elif kind == "outage":
        level[odd] = others + sign * random.uniform(0.6, 0.8)
        rates[odd] = random.uniform(14, 22)
        rates[odd, PRESENT_FROM + int(random.integers(0, 3)) :] = 0
    if weather.burst:
        rates = rates * random.gamma(1 / weather.burst, weather.burst, rates.shape)
    number = random.poisson(rates)
    source, period = (axis.repeat(number.ravel()) for axis in np.indices(number.shape).reshape(2, -1))
    mean = (level[:, None] + _moments(weather, 5, random))[source, period] + framing * (period >= PRESENT_FROM)
    f = np.clip(mean + random.normal(0, 0.35, len(source)), -1, 1)
    return World(GroupTexts(names[source], language[source], period.astype(np.int64), f), framing)


def naive_change(texts: GroupTexts) -> bool:
    """A 5% z test of all texts of the present against all of the reference, as if they were independent."""
    now = texts.period >= PRESENT_FROM
    a, b = texts.f[now], texts.f[~now]
    return bool(abs(a.mean() - b.mean()) > 1.96 * np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)))


@dataclass(frozen=True)
class Confusion:
    """What became of many worlds of one kind; shares of the worlds."""

    verdicts: Mapping[Verdict, float]
    naive: float
    """called a change by the naive test"""
    panel_error: float
    """mean absolute error of the fixed panel's change as a measure of the change of framing"""
    naive_error: float
    """the same of all sources"""
    panels: float
    """worlds that have a panel"""


def confusion(kind: str, weather: Weather, worlds: int, seed: int = SEED) -> Confusion:
    """Judge ``worlds`` simulated worlds of a kind."""
    random = np.random.default_rng([seed, KINDS.index(kind), weather is ROUGH])
    made = [simulate(kind, weather, random) for _ in range(worlds)]
    judged: list[Judgement] = [judge(world.texts, *STRETCHES) for world in made]
    verdicts = [one.verdict for one in judged]
    panels = [abs(j.panel - w.framing) for j, w in zip(judged, made, strict=True) if j.panel is not None]
    return Confusion(
        verdicts={name: verdicts.count(name) / worlds for name in dict.fromkeys(verdicts)},
        naive=float(np.mean([naive_change(world.texts) for world in made])),
        panel_error=float(np.mean(panels)) if panels else float("nan"),
        naive_error=float(np.mean([abs(j.change - w.framing) for j, w in zip(judged, made, strict=True)])),
        panels=len(panels) / worlds,
    )


# -- reposts ----------------------------------------------------------------------------------------------------------

DEMO_SITES = {
    "kestrel": ("kestrel-news", "kestrel-voice", "kestrel-valley"),
    "juniper": ("juniper-path", "juniper-letters", "juniper-radio"),
}
REFERENCE, PRESENT = Stretch(date(2024, 1, 1), date(2025, 1, 1)), Stretch(date(2025, 1, 1), date(2026, 1, 1))

Line = dict[str, str]


def demo_lines() -> list[Line]:
    """The demo's own posts as rows of a table; what the observer publishes is left out."""
    group_of = {site: group for group, sites in DEMO_SITES.items() for site in sites}
    return [
        {
            "id": post.id,
            "site": post.site,
            "group": group_of[post.site],
            "date": post.day.isoformat(),
            "text": post.text,
        }
        for post in load_posts(made=False)
        if post.site in group_of
    ]


def wire_lines(folder: Path) -> tuple[list[Line], list[Line]]:
    """Real agency reports in the demo's world: their first printings, and their copies in other outlets.

    A report is an article that others resemble as one text (5-gram Jaccard over .3). The first printing appears on one
    site in the course of 2025, every second one of Kestrel's; each of its copies on all six sites, one to five days
    later.
    """
    with gzip.open(folder / "news_cluster.jsonl.gz", "rt", encoding="utf-8") as rows:
        texts = [json.loads(row)["text"] for row in rows]
    grams = [shingles(text) for text in texts]
    carriers: dict[str, list[int]] = {}
    for i, own in enumerate(grams):
        for gram in own:
            carriers.setdefault(gram, []).append(i)
    pairs = {pair for some in carriers.values() for pair in combinations(some, 2)}
    alike = {(i, j) for i, j in pairs if jaccard(grams[i], grams[j]) > SAME_TEXT}
    firsts: list[Line] = []
    copies: list[Line] = []
    taken: set[int] = set()
    sites = [
        (group, site)
        for site_number in range(3)
        for group, site in ((g, s[site_number]) for g, s in DEMO_SITES.items())
    ]
    for i in sorted({i for i, _ in alike}):
        others = sorted(b if a == i else a for a, b in alike if i in {a, b})
        if taken & {i, *others}:
            continue
        taken |= {i, *others}
        group, site = sites[len(firsts) % len(sites)]
        day = date(2025, 1, 10) + timedelta(days=9 * len(firsts))
        firsts.append({"id": f"wire{i}", "site": site, "group": group, "date": day.isoformat(), "text": texts[i]})
        for k, other in enumerate(others):
            for n, (to_group, to_site) in enumerate(sites):
                later = (day + timedelta(days=1 + (k + n) % 5)).isoformat()
                row = {"id": f"wire{i}-{other}-{n}", "site": to_site, "group": to_group, "date": later}
                copies.append(row | {"text": texts[other]})
    return firsts, copies


def _monitor(folder: Path) -> Monitor:
    """The demo's monitor with one table in place of its sites."""
    yaml = YAML()
    plain: dict[str, Any] = yaml.load(DEMO_MONITOR.read_text(encoding="utf-8"))
    plain = {key: plain[key] for key in ("name", "title", "description", "since", "until", "groups", "dyads")}
    columns = {"text": "text", "date": "date", "id": "id", "group": "group", "source": "site"}
    source = {"id": "all", "kind": "table", "path": "texts.jsonl", "speaker": "own", "columns": columns}
    plain["sources"] = [source | {"groups": {group: group for group in DEMO_SITES}}]
    with (folder / "wire.yaml").open("w", encoding="utf-8") as out:
        yaml.dump(plain, out)
    return load_monitor(folder / "wire.yaml")


@dataclass(frozen=True, eq=False)
class Stored:
    """What the store holds of the demo's groups."""

    texts: Texts
    language: Mapping[int, str]
    """of each document"""


def collected(lines: Sequence[Line], folder: Path) -> Stored:
    """These rows collected from a table into the SQLite store of ``folder``, clustered and framed as a user would."""
    (folder / "texts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    settings, monitor = Settings(data=folder / "data", database_url=""), _monitor(folder)
    print(f"  {collect(settings, monitor, 'all').sentence()}")
    print(f"  {frame(settings, monitor).sentence()}")
    with open_session(settings) as session:
        model = model_in_force(session)
        assert model is not None
        texts = own_texts(session, monitor.name, model.id)
        cells = [
            documents_of_cell(session, monitor.name, group, REFERENCE.start, PRESENT.end, limit=100_000)
            for group in DEMO_SITES
        ]
    engine_for(settings.database).dispose()
    return Stored(texts, {text.document_id: text.language or "" for cell in cells for text in cell})


def group_of(stored: Stored, group: str) -> GroupTexts:
    """The framed texts of a group, by months since January 2024."""
    texts = stored.texts
    chosen = (texts.group == group) & ~np.isnan(texts.p_nationalist)
    month = texts.day[chosen].astype("datetime64[M]") - np.datetime64("2024-01")
    return GroupTexts(
        source=texts.source[chosen],
        language=np.array([stored.language[document] for document in texts.document[chosen].tolist()]),
        period=month.astype(np.int64),
        f=(texts.p_nationalist - texts.p_universalist)[chosen],
        counts=texts.counts[chosen],
    )


def dyad_of(stored: Stored) -> DyadTexts:
    """Kestrel and Juniper, 2025 against 2024."""
    texts = stored.texts
    framed = ~np.isnan(texts.p_nationalist)
    return DyadTexts(
        names=("kestrel", "juniper"),
        reference=REFERENCE,
        present=PRESENT,
        of_a=texts.group[framed] == "kestrel",
        source=texts.source[framed],
        day=texts.day[framed],
        cluster=texts.cluster[framed],
        counts=texts.counts[framed],
        p_nationalist=texts.p_nationalist[framed],
        p_universalist=texts.p_universalist[framed],
    )


@dataclass(frozen=True)
class Reposts:
    """What copies did to the change of the gap."""

    copies: int
    repeated: int
    """of them, those the store recognised as copies"""
    before: float
    """change of the gap without the copies, deduplicated"""
    moved: float
    """by how much the copies move it, deduplicated"""
    moved_raw: float
    """the same with deduplication off"""
    stored: Stored
    """the demo without the copies"""


def reposts(data: Path, folder: Path) -> Reposts:
    """The demo with first printings alone, and after their copies were collected too. ``folder`` is empty."""
    firsts, copies = wire_lines(data)
    base = demo_lines() + firsts
    stored = collected(base, folder)
    without = dyad_of(stored)
    with_copies = dyad_of(collected(base + copies, folder))
    known = int((~without.counts).sum())
    deduplicated = [gap_change(one).value for one in (without, with_copies)]
    raw = [gap_change(one, deduplicated=False).value for one in (without, with_copies)]
    return Reposts(
        copies=len(copies),
        repeated=int((~with_copies.counts).sum()) - known,
        before=deduplicated[0],
        moved=deduplicated[1] - deduplicated[0],
        moved_raw=raw[1] - raw[0],
        stored=stored,
    )


# -- the report -------------------------------------------------------------------------------------------------------


def _artefacts(worlds: int) -> list[str]:
    """Print the confusion table; what lies beyond a floor."""
    order: list[Verdict] = [*KINDS, "shift", "undecided"]  # type: ignore[list-item]
    low = []
    for weather, name in ((CALM, "calm"), (ROUGH, "rough")):
        print(f"\n{worlds} {name} worlds of each kind ({weather}): share judged as")
        print(
            f"{'':13}"
            + "".join(f"{verdict:>12}" for verdict in order)
            + f"{'naive test':>12}{'panel err.':>12}{'all err.':>10}"
        )
        for kind in KINDS:
            made = confusion(kind, weather, worlds)
            shares = "".join(f"{made.verdicts.get(verdict, 0):12.2f}" for verdict in order)
            print(f"{kind:13}{shares}{made.naive:12.2f}{made.panel_error:12.3f}{made.naive_error:10.3f}")
            right = made.verdicts.get(kind, 0)  # type: ignore[call-overload]
            if right < FLOOR_RIGHT:
                low.append(f"{name} worlds, {kind}: {right:.2f} named rightly, {FLOOR_RIGHT} are asked for")
            artefact = kind not in {"none", "framing", "mixed"}
            if artefact and made.verdicts.get("framing", 0) > CEILING_FRAMING:
                low.append(f"{name} worlds, {kind}: {made.verdicts['framing']:.2f} called a change of framing")
            if artefact and made.naive < FLOOR_NAIVE:
                low.append(
                    f"{name} worlds, {kind}: the naive test sees only {made.naive:.2f}, so the worlds are too easy"
                )
            if kind == "none" and made.verdicts.get("framing", 0) > CEILING_FALSE:
                low.append(f"{name} worlds: nothing happened, and {made.verdicts['framing']:.2f} called framing")
            if not made.panel_error <= CEILING_PANEL:
                low.append(f"{name} worlds, {kind}: error of the fixed panel {made.panel_error:.3f}")
    print("naive test: a 5% z test of all texts. err.: mean absolute error of the change of the panel, and of that of")
    print("all texts, as a measure of the change of framing within sources")
    return low


def _power(worlds: int) -> None:
    """Print how often a real change of framing is named, by its size."""
    print(f"\nA change of framing within sources of a given size: share of {worlds} worlds in which it is the verdict")
    for weather, name in ((CALM, "calm"), (ROUGH, "rough")):
        said = []
        for size in (0.05, 0.075, 0.10, 0.15, 0.20):
            random = np.random.default_rng([SEED, 99, round(1000 * size)])
            judged = [judge(simulate("framing", weather, random, size=size).texts, *STRETCHES) for _ in range(worlds)]
            said.append(f"{size:.3f}: {np.mean([j.verdict == 'framing' for j in judged]):.2f}")
        print(f"  {name:6}" + "   ".join(said))


def _noise(worlds: int) -> None:
    """Print the standard errors beside the spread they stand for, in worlds in which nothing happens."""
    print(f"\nNoise of the parts in {worlds} worlds in which nothing happens")
    for weather, name in ((CALM, "calm"), (ROUGH, "rough")):
        random = np.random.default_rng([SEED, 77])
        made = [split_change(simulate("none", weather, random).texts, *STRETCHES) for _ in range(worlds)]
        for what in ("within", "mix"):
            parts: list[Part] = [getattr(one, what) for one in made]
            spread = np.std([part.value for part in parts])
            stated = np.sqrt(np.mean([np.nan if part.se is None else part.se**2 for part in parts]))
            beyond = [np.mean([part.beyond(level) for part in parts]) for level in (0.95, 0.99)]
            print(f"  {name:6}{what:7} spread {spread:.4f}, standard error {stated:.4f}", end="")
            print(f"; a 95% interval excludes 0 in {beyond[0]:.3f}, a 99% one in {beyond[1]:.3f}")


def _reposts(data: Path) -> list[str]:
    """Print what copies did; what lies beyond a floor."""
    folder = data / "news_cluster"
    if not folder.is_dir():
        print(f"\nReposts: skipped, {folder} is absent")
        return []
    print("\nReal agency reports on the demo's sites")
    with tempfile.TemporaryDirectory() as store:
        made = reposts(folder, Path(store))
    print(f"  change of the gap 2025 - 2024, deduplicated: {made.before:+.4f}")
    print(f"  {made.copies} copies, {made.repeated} of them recognised; they move it by {made.moved:+.6f}")
    print(f"  with deduplication off they move it by {made.moved_raw:+.4f}")
    kestrel, juniper = (group_of(made.stored, group) for group in DEMO_SITES)
    print("\nThe same demo (with the first printings) in words")
    print("  flood of Juniper Radio, 2024-Q4 against Q3: " + judge(juniper, range(6, 9), range(9, 12)).in_words())
    print("  gap, 2025 against 2024: " + judge_gap(kestrel, juniper, range(12), range(12, 24)).in_words())
    print("  sheet: " + sensitivity_sheet(dyad_of(made.stored)).in_words())
    low = []
    if made.repeated != made.copies:
        low.append(f"{made.copies - made.repeated} copies were taken for new texts")
    if made.moved != 0:
        low.append(f"copies move the deduplicated change of the gap by {made.moved:+.6f}")
    if abs(made.moved_raw) < FLOOR_REPOSTS_MOVE:
        low.append("the copies would move nothing without deduplication either, so the test shows nothing")
    return low


def main() -> int:
    """Print all tables; 1 when a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=60, help="simulated worlds of each kind")
    parser.add_argument("--full", action="store_true", help="500 worlds of each kind, power, noise")
    parser.add_argument("--data", type=Path, default=PROJECT_ROOT.parent / "shared" / "data")
    given = parser.parse_args()
    low = _artefacts(500 if given.full else given.worlds)
    if given.full:
        _power(300)
        _noise(500)
    low += _reposts(given.data)
    print("\n" + ("\n".join(low) or "Every figure is within its floor."))
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
