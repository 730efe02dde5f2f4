"""Speed of measuring, beside a bare GROUP BY over the same rows in the same run.

Run: ``python -m benchmarks.measuring [--full] [--postgres] [--texts N]``. The store is filled with synthetic
rows: texts of 40 groups and ten years, one in twenty a repost, all framed, one in a hundred coded. Timed by processor
time, which other programs move less than the clock does; on PostgreSQL, whose work is another process, by the clock.
Best of three, in turn: the bare query, all cells and gaps from the texts, the alarms and states of all dyads, and the
resampling tests of all dyads. Exits 1 above a ceiling, or when a new week reads any text but those of its cells.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"  # before numpy starts its threads

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from sqlalchemy import Text, and_, cast, func, select, text  # noqa: E402
from sqlalchemy.orm import Session  # noqa: E402

from benchmarks.postgres import Postgres  # noqa: E402
from classifiers.codebook import codebook_of  # noqa: E402
from pipeline.measure.balance import Borrowed  # noqa: E402
from pipeline.measure.cells import codings_by_cluster  # noqa: E402
from pipeline.measure.job import measure, measure_cells, with_states  # noqa: E402
from pipeline.measure.judging import judge  # noqa: E402
from pipeline.measure.missing import Coverage  # noqa: E402
from pipeline.measure.reading import Reader  # noqa: E402
from pipeline.measure.resampling import (  # noqa: E402
    change_test,
    permutation_test,
    placebo_dates,
    placebo_dyads,
    weekly,
)
from pipeline.measure.timespan import measured_days, measured_periods  # noqa: E402
from pipeline.monitor import Monitor, Period  # noqa: E402
from pipeline.monitor.periods import period_of, periods_covering  # noqa: E402
from pipeline.settings import Settings  # noqa: E402
from pipeline.store.cells import VARIABLE, model_in_force, random_codings, texts_by_group  # noqa: E402
from pipeline.store.session import open_session  # noqa: E402
from pipeline.store.tables import Cluster, Coding, Document, Framing, Model, Promotion  # noqa: E402

GROUPS, YEARS, SOURCES = 40, 10, 3
FIRST_DAY = datetime(2015, 1, 1, tzinfo=UTC)
NOW = datetime(2025, 1, 10, tzinfo=UTC)
NEW_WEEK = date(2024, 12, 23)
WHOLE_LIST = datetime(1970, 1, 1, tzinfo=UTC)
MONITOR = "m"
ROUNDS = 3
SEED = 20090919

GOAL = 3.0
"""times the bare GROUP BY"""
CEILINGS = {("SQLite", False): 9.0, ("SQLite", True): 3.0, ("PostgreSQL", False): 14.0, ("PostgreSQL", True): 3.0}
"""times the bare GROUP BY, by database and whether it is the full size (there the goal; else with a margin). The small
size has as many cells as the full one, and hardly any texts in each: there it is the cells that cost"""
MOST_MEMORY = 900.0
"""MB of the whole process, in the full size"""


@dataclass(frozen=True)
class Figures:
    """What was measured."""

    bare: float
    """seconds"""
    ours: float
    """seconds for reading, cells, balances and gaps with their intervals"""
    alarms: float
    """seconds for the alarms and states of all dyads, from the cells"""
    tests: float
    """seconds for the resampling tests of all dyads, from the texts in memory"""
    tested: int
    """how many tests and placebos that were"""
    first: float
    """seconds of the first run of the job: tables and all figures written for the first time"""
    again: float
    """seconds of a run in which nothing has changed"""
    week: float
    """seconds of a run with one new week of one group"""
    read: int
    """texts it read"""
    of_its_cells: int
    """texts of the cells that the new week changed"""
    cells: int
    gaps: int
    memory: float
    """MB, peak of the process"""


def monitor() -> Monitor:
    """40 groups with three sources each, 20 dyads; weeks, months and quarters."""
    names = [f"g{i:02d}" for i in range(GROUPS)]
    source = {"speaker": "own", "kind": "feed", "addresses": ["https://example.org/feed"]}
    return Monitor.model_validate(
        {
            "name": MONITOR,
            "title": "Synthetic",
            "groups": [{"id": name, "name": name} for name in names],
            "sources": [source | {"id": f"{name}-s{i}", "group": name} for name in names for i in range(SOURCES)],
            "dyads": [[names[i], names[i + 1]] for i in range(0, GROUPS, 2)],
        }
    )


def _put(session: Session, table: Any, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Many rows, by the quickest way of each database."""
    connection: Any = session.connection().connection.driver_connection
    names = ", ".join(columns)
    if session.get_bind().dialect.name == "sqlite":
        # the store's way of writing a time
        plain = (tuple(_plain(value) for value in row) for row in rows)
        marks = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", plain)  # noqa: S608
    else:
        with connection.cursor().copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def _plain(value: Any) -> Any:
    return f"{value:%Y-%m-%d %H:%M:%S.%f}" if isinstance(value, datetime) else value


def _texts(
    first: int, groups: Sequence[int], seconds: Sequence[int], clusters: Sequence[int]
) -> Iterator[tuple[Any, ...]]:
    for i, (group, second, cluster) in enumerate(zip(groups, seconds, clusters, strict=True)):
        number, moment = first + i, FIRST_DAY + timedelta(seconds=second)
        name, address = f"g{group:02d}", f"https://example.org/{number}"
        yield (number, MONITOR, f"{name}-s{number % SOURCES}", name, "own", address, "word " * 60, f"{cluster:064d}",
               "[]", moment, cluster, moment, moment, "benchmark")  # fmt: skip


_DOCUMENT = ("id", "monitor", "source", "group_id", "speaker", "address", "text", "text_digest", "dates",
             "published_at", "cluster_id", "collected_at", "updated_at", "extractor")  # fmt: skip
_FRAMING = ("document_id", "model_id", "text_digest", "featuriser", "p_first", "p_second", "label", "scored_at")
_CODING = ("monitor", "address", "document_id", "variable", "value", "codebook_version", "coder", "coded_at", "draw",
           "probability", "drawn_at")  # fmt: skip


def _framings(session: Session, first: int, clusters: Sequence[int], random: np.random.Generator) -> None:
    p = np.clip(random.normal(0.5, 0.25, (len(clusters), 2)), 0, 1).tolist()
    rows = ((first + i, 1, f"{c:064d}", "x", *p[i], "neither", NOW) for i, c in enumerate(clusters))
    _put(session, Framing.__table__, _FRAMING, rows)


def fill(settings: Settings, number: int, seed: int = 1) -> None:
    """A store with ``number`` texts, in the order of their publication as weekly collecting leaves them."""
    random = np.random.default_rng(seed)
    seconds = np.sort(random.integers(0, int(YEARS * 365.25 * 86_400), number)).tolist()
    groups = random.integers(0, GROUPS, number).tolist()
    clusters = list(range(1, number + 1))
    for i in np.flatnonzero(random.random(number) < 0.05).tolist():
        clusters[i] = clusters[int(random.integers(0, i + 1))]
    firsts = sorted(set(clusters))
    rates = {
        head: {"prior": 0.4, "mean_positive": 0.8, "mean_negative": 0.2} for head in ("nationalist", "universalist")
    }
    with open_session(settings) as session:
        session.add(
            Model(id=1, variable=VARIABLE, name="m", sha256="0", trained_at=NOW, training_balance=0.1, confusion=rates)
        )
        session.flush()
        session.add(Promotion(variable=VARIABLE, model_id=1, promoted_at=NOW, comment="benchmark"))
        session.flush()
        _put(session, Cluster.__table__, ("id", "monitor", "first_document_id"), ((c, MONITOR, c) for c in firsts))
        _put(session, Document.__table__, _DOCUMENT, _texts(1, groups, seconds, clusters))
        _framings(session, 1, clusters, random)
        coded = random.choice(firsts, number // 100, replace=False).tolist()
        how = (VARIABLE, ("nationalist", "universalist", "neither"), NOW, WHOLE_LIST)
        rows = (
            (MONITOR, f"https://example.org/{c}", c, how[0], how[1][c % 3], 1, "one", how[2], "random", 0.01, how[3])
            for c in coded
        )
        _put(session, Coding.__table__, _CODING, rows)
        session.commit()
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("ANALYZE"))
            session.commit()


def add_week(settings: Settings, number: int, seed: int = 2) -> None:
    """Texts of one group in the last whole week."""
    random = np.random.default_rng(seed)
    with open_session(settings) as session:
        first = int(session.scalar(select(func.max(Document.id))) or 0) + 1
        start = int((datetime.combine(NEW_WEEK, FIRST_DAY.timetz()) - FIRST_DAY).total_seconds())
        seconds = (start + np.sort(random.integers(0, 7 * 86_400, number))).tolist()
        clusters = list(range(first, first + number))
        _put(session, Cluster.__table__, ("id", "monitor", "first_document_id"), ((c, MONITOR, c) for c in clusters))
        _put(session, Document.__table__, _DOCUMENT, _texts(first, [0] * number, seconds, clusters))
        _framings(session, first, clusters, random)
        session.commit()


def bare(session: Session) -> int:
    """What an analyst would write: the mean balance of each group and week, each different text once."""
    week: Any
    if session.get_bind().dialect.name == "sqlite":
        week = func.date(Document.published_at, "weekday 0", "-6 days", type_=Text)
    else:
        week = cast(func.date_trunc("week", func.timezone("UTC", Document.published_at)), Text)
    query = (
        select(Document.group_id, week.label("week"), func.count(), func.avg(Framing.p_first - Framing.p_second))
        .join(Cluster, and_(Cluster.id == Document.cluster_id, Cluster.first_document_id == Document.id))
        .join(
            Framing,
            and_(
                Framing.document_id == Document.id,
                Framing.model_id == 1,
                Framing.target == "",
                Framing.text_digest == Document.text_digest,
            ),
        )
        .where(Document.monitor == MONITOR, Document.speaker == "own")
        .group_by(Document.group_id, "week")
    )
    return len(session.execute(query).all())


@dataclass(frozen=True)
class Made:
    """All cells with their balances, and all gaps."""

    trends: list[dict[str, Any]]
    gaps: list[dict[str, Any]]
    borrowed: list[Borrowed]
    """what each corrected audit cell took from the others"""
    kinds: tuple[Period, ...]
    model: Model | None


def balances_and_gaps(session: Session, watched: Monitor) -> Made:
    """All cells and gaps from the texts, as the job makes them; nothing is remembered and nothing written."""
    coded, _ = codings_by_cluster(random_codings(session, MONITOR), codebook_of(VARIABLE).balances)
    model = model_in_force(session)
    reader = Reader(session, MONITOR, model, coded, watched.audit_period)
    days = measured_days(watched, min(reader.first_days.values()), NOW.date())
    spans = {kind: periods_covering(kind, *days) if days else [] for kind in measured_periods(watched)}
    cells = reader.read([g.id for g in watched.groups], spans)
    coverage = {g.id: Coverage(watched.sources_of(g.id), reader.first_days.get(g.id), {}) for g in watched.groups}
    trends, gaps, estimates = measure_cells(watched, cells.summaries, coverage, model, today=NOW.date())
    lent = [one.borrowed for one in estimates.values() if one.borrowed is not None and one.borrowed.freedom]
    return Made(trends, gaps, lent, tuple(spans), model)


def alarms_and_states(session: Session, watched: Monitor, made: Made) -> int:
    """Series, thresholds, alarms and states of all dyads; what they write down is taken back."""
    judged = judge(session, watched, made.trends, made.kinds, made.borrowed, made.model, now=NOW)
    with_states(made.gaps, judged)
    session.rollback()
    return len(judged.watched)


@dataclass(frozen=True)
class Sample:
    """Texts that resampling tests are made of. Arrays: one entry for each different text."""

    f: NDArray[np.float64]
    source: NDArray[np.str_]
    group: NDArray[np.str_]
    day: NDArray[np.datetime64]

    @property
    def week(self) -> NDArray[np.int64]:
        """Number of the week, from the first there is."""
        number: NDArray[np.int64] = ((self.day - self.day.min()) // np.timedelta64(7, "D")).astype(np.int64)
        return number


def _samples(session: Session, watched: Monitor) -> tuple[list[Sample], Sample]:
    """The texts of each dyad, and those of all groups in the last quarter of a year."""
    dyads: list[Sample] = []
    last: list[Sample] = []
    sides: dict[str, Sample] = {}
    for texts in texts_by_group(session, watched.name, 1):
        used = texts.counts & ~np.isnan(texts.p_nationalist)
        f = (texts.p_nationalist - texts.p_universalist)[used]
        one = Sample(f, texts.source[used], texts.group[used], texts.day[used])
        recent = one.day >= one.day.max() - np.timedelta64(91, "D")
        last.append(Sample(one.f[recent], one.source[recent], one.group[recent], one.day[recent]))
        sides[str(texts.group[0])] = one
    for dyad in watched.dyads:
        dyads.append(_together([sides[dyad.a], sides[dyad.b]]))
    return dyads, _together(last)


def _together(some: Sequence[Sample]) -> Sample:
    names = ("f", "source", "group", "day")
    return Sample(*(np.concatenate([getattr(one, name) for one in some]) for name in names))


def resampling_tests(dyads: Sequence[Sample], last: Sample) -> int:
    """The tests and placebos of a dyad's sheet, 999 replicates each, of every dyad: the last two years against the
    eight before. And labels permuted over the sources of all groups, half of the groups against the other half, since
    three sources a group are too few for it. Returns how many that were."""
    done = 0
    for one in dyads:
        in_a, week = one.group == one.group[0], one.week
        weeks = int(week.max()) + 1
        split = weeks - 104
        sorted_ = weekly(one.f, one.source, in_a, week, weeks=weeks)
        change_test(sorted_, (0, split), (split, weeks), seed=SEED)
        month = one.day.astype("datetime64[M]").astype(np.int64)
        made = placebo_dyads(one.f, one.source, in_a, month, week >= split, seed=SEED)
        placebo_dates(sorted_, split, length=26)
        done += 2 + len(made)
    half = np.isin(last.group, [f"g{i:02d}" for i in range(GROUPS // 2)])
    permutation_test(last.f, last.source, half, np.full(len(last.f), "en"), seed=SEED)
    return done + 1


def _of_its_cells(session: Session, watched: Monitor) -> int:
    """Texts of the cells that the new week lies in."""
    spans = [period_of(kind, NEW_WEEK) for kind in measured_periods(watched)]
    low, high = min(span.start for span in spans), max(span.end for span in spans)
    edges = [datetime.combine(day, FIRST_DAY.timetz()) for day in (low, high)]
    return int(
        session.scalar(
            select(func.count()).where(
                Document.group_id == "g00", Document.published_at >= edges[0], Document.published_at < edges[1]
            )
        )
        or 0
    )


Timed = Callable[[Callable[[], Any]], tuple[float, Any]]


def _round(session: Session, watched: Monitor, timed: Timed) -> tuple[float, float, float, int, int]:
    """Seconds of the bare query, of cells and gaps, of alarms and states; how many cells and gaps there are."""
    plain, _ = timed(lambda: bare(session))
    ours, made = timed(lambda: balances_and_gaps(session, watched))
    alarms, judged = timed(lambda: alarms_and_states(session, watched, made))
    if judged != len(watched.dyads):
        raise RuntimeError(f"{judged} of {len(watched.dyads)} dyads are watched")
    return plain, ours, alarms, len(made.trends), len(made.gaps)


def run(settings: Settings, number: int, clock: Callable[[], float]) -> Figures:
    """All figures of a store of ``number`` texts."""
    watched = monitor()
    fill(settings, number)

    def timed(work: Callable[[], Any]) -> tuple[float, Any]:
        began = clock()
        made = work()
        return clock() - began, made

    with open_session(settings) as session:
        rounds = [_round(session, watched, timed) for _ in range(ROUNDS)]
    plain, ours, alarms, (cells, *_), (gaps, *_) = zip(*rounds, strict=True)
    first, report = timed(lambda: measure(settings, watched, now=NOW))
    if report.found != number or report.problems:
        raise RuntimeError(f"the texts are not measured as they should be: {report.sentence()}")
    again, report = timed(lambda: measure(settings, watched, now=NOW))
    if report.known != number:
        raise RuntimeError(f"nothing has changed, and {report.found - report.known} texts were read")
    add_week(settings, max(5, number // (GROUPS * YEARS * 52)))
    week, report = timed(lambda: measure(settings, watched, now=NOW))
    with open_session(settings) as session:
        of_its_cells = _of_its_cells(session, watched)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        # last, since all texts that are tested are held for it
        samples = _samples(session, watched)
    tests, tested = zip(*(timed(lambda: resampling_tests(*samples)) for _ in range(ROUNDS)), strict=True)
    read = report.found - report.known
    return Figures(
        bare=min(plain),
        ours=min(ours),
        alarms=min(alarms),
        tests=min(tests),
        tested=tested[0],
        first=first,
        again=again,
        week=week,
        read=read,
        of_its_cells=of_its_cells,
        cells=cells,
        gaps=gaps,
        memory=memory,
    )


def misses(figures: Figures, database: str, *, full: bool) -> list[str]:
    """What misses its ceiling, in words."""
    problems = []
    if figures.ours / figures.bare > CEILINGS[database, full]:
        ratio = f"{figures.ours / figures.bare:.1f} times a bare GROUP BY"
        problems.append(f"balances and gaps: {ratio}, at most {CEILINGS[database, full]}")
    if figures.read != figures.of_its_cells:
        problems.append(f"a new week read {figures.read} texts, its cells have {figures.of_its_cells}")
    if full and figures.memory > MOST_MEMORY:
        problems.append(f"{figures.memory:.0f} MB are more than {MOST_MEMORY:.0f}")
    return problems


def main() -> int:
    """Print the figures; 1 when one misses its ceiling."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--full", action="store_true", help="1,000,000 texts, 10,000 codings")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL server of its own")
    chosen = parser.parse_args()
    number = 1_000_000 if chosen.full else chosen.texts
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address = stack.enter_context(Postgres(durable=False)).new_database("measuring") if chosen.postgres else ""
        clock = time.perf_counter if chosen.postgres else time.process_time
        figures = run(Settings(data=folder, database_url=address), number, clock)
    database = "PostgreSQL" if chosen.postgres else "SQLite"
    where = f"{database}, seconds {'by the clock' if chosen.postgres else 'of the processor'}"
    print(f"{number:,} texts, {GROUPS} groups, {YEARS} years, {number // 100:,} codings; {where}")
    print(f"  bare GROUP BY, one period kind                {figures.bare:8.2f}")
    print(
        f"  {figures.cells:,} cells and {figures.gaps:,} gaps, intervals     {figures.ours:8.2f}   "
        f"{figures.ours / figures.bare:.1f} times, goal {GOAL}, at most {CEILINGS[database, chosen.full]}"
    )
    for name, seconds in (
        (f"alarms and states of {GROUPS // 2} dyads", figures.alarms),
        (f"{figures.tested} resampling tests and placebos", figures.tests),
        ("first run, all figures published", figures.first),
        ("nothing new", figures.again),
        ("a new week of one group", figures.week),
    ):
        print(f"  {name:46}{seconds:8.2f}   {seconds / figures.bare:.1f} times")
    print(f"  texts it read / texts of its cells            {figures.read} / {figures.of_its_cells}")
    print(f"  peak memory, MB                               {figures.memory:8.0f}")
    for problem in misses(figures, database, full=chosen.full):
        print(problem, file=sys.stderr)
    return 1 if misses(figures, database, full=chosen.full) else 0


if __name__ == "__main__":
    sys.exit(main())
