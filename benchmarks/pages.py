"""How long the server needs for every page of a large store, and how many questions it asks of the database.

Run: ``python -m benchmarks.pages [--full] [--postgres] [--texts N] [--keep FOLDER]``. The store of
benchmarks.measuring (texts of 40 groups and ten years, framed, coded, measured; panels and smoothed gaps kept, the
starter model in force; twenty texts are long and have an archived copy of a megabyte) behind Airflow's own
application, asked as an editor in this process, for whom it is looked up besides what is withheld.
Each page is asked :data:`ROUNDS` times, each time for another group, dyad, text or period. Prints the median and the
95th percentile, by the clock and by this process' own time, with the most questions a page asked of the database, and
exits 1 above a ceiling. Then each page is opened in a browser that has nothing in its cache, beside the server on the
same machine, and its first contentful paint is told. The overview is asked and opened once more with two smaller
monitors beside the first. Searches of texts have a benchmark of their own: benchmarks.searching.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import httpx
import numpy as np
from sqlalchemy import Select, event, insert, literal, select, text

from benchmarks.large_page import large_page
from benchmarks.measuring import GROUPS, MONITOR, NOW, SOURCES, fill, monitor
from benchmarks.postgres import Postgres
from benchmarks.serving import served
from classifiers.codebook import codebook_of
from classifiers.starter import load_starter
from pipeline.collect.archive import Archive, shelf_of
from pipeline.collect.fetch import Response
from pipeline.framing.starter import train_starter
from pipeline.monitor.periods import period_of
from pipeline.settings import Settings
from pipeline.store.cells import VARIABLE
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import (
    Capture,
    Document,
    GapCell,
    Model,
    Place,
    Published,
    RaisedAlarm,
    Run,
    StateChange,
    TrendCell,
)

ROUNDS = 30
GOAL = 0.3
"""seconds at the 95th percentile"""
CEILING = {"SQLite": 0.7, "PostgreSQL": 0.8}
"""seconds of the worst page, with a margin for a busy machine: by this process' own time, on PostgreSQL by the clock"""
COPY = "an archived copy"
NOT_PAINTED = frozenset({"a chart as SVG", "a chart as PNG", "trend table as CSV", COPY})
"""what a page saves; and the copy, which runs no script, so that it can't be asked when it was painted"""
WEIGHED, LONG_WEIGHED = "a text as the model weighs it", "a long text as it weighs it"
PASSAGES = 8
"""short paragraphs of the starter codings in a text that is looked at: together some 430 words"""
EACH_LARGE = 25
"""so many of the texts looked at to one that is long and has an archived copy"""
LONG_TEXT = 36_000
"""letters of a long text; at most 40,000 are weighed"""
COPY_BYTES = 1_000_000
"""of the response an archived copy is made of"""
FURTHER, FURTHER_GROUPS = ("further", "third"), 8
"""names of two smaller monitors, and how many of the groups each has"""
PAINTS = 8
PAINT_GOAL = 1.0
PAINT_CEILING = 2.0
"""seconds to the first paint of the worst page, 95th percentile, with a margin for a busy machine"""

FIRST_PAINT = """
() => new Promise((tell) => {
  const seen = performance.getEntriesByName("first-contentful-paint")[0];
  if (seen) return tell(seen.startTime);
  new PerformanceObserver((list, watch) => {
    const one = list.getEntriesByName("first-contentful-paint")[0];
    if (one) { watch.disconnect(); tell(one.startTime); }
  }).observe({ type: "paint", buffered: true });
})
"""


@dataclass(frozen=True)
class Asked:
    """What of the store the pages are asked for."""

    ids: list[int]
    """texts of some 430 words"""
    large: list[int]
    """long texts with an archived copy"""
    figures: list[str]
    """where the pages of some figures lie below the dyads': quarters' gaps that are published, since one without texts
    on both sides never is"""
    model: str
    """the one in force"""


def addresses(asked: Asked) -> dict[str, Callable[[Random], str]]:
    """Name of a page -> an address of it below ``/rift/ui/``, another each time."""

    def group(chance: Random) -> str:
        return f"g{chance.randrange(GROUPS):02d}"

    def dyad(chance: Random) -> str:
        first = 2 * chance.randrange(GROUPS // 2)
        return f"m/{MONITOR}/dyads/g{first:02d}/g{first + 1:02d}"

    def cell(chance: Random) -> str:
        year, quarter = chance.randint(2015, 2023), chance.randint(0, 2)
        ends = f"start={year}-{3 * quarter + 1:02d}-01&end={year}-{3 * quarter + 4:02d}-01"
        return f"m/{MONITOR}/texts?group={group(chance)}&{ends}"

    def trends(more: str) -> Callable[[Random], str]:
        return lambda chance: f"m/{MONITOR}/trends{more}"

    return {
        "overview": lambda chance: "",
        "dyad, quarters": dyad,
        "dyad, months": lambda chance: dyad(chance) + "?period=month",
        "dyad, weeks": lambda chance: dyad(chance) + "?period=week",
        "dyad, vintage": lambda chance: dyad(chance) + "?series=vintage",
        "dyad, panel": lambda chance: dyad(chance) + "?sources=panel",
        "dyad, smoothed": lambda chance: dyad(chance) + "?smoothed=true",
        "a chart as SVG": lambda chance: dyad(chance) + "/gap.svg?period=month",
        "a chart as PNG": lambda chance: dyad(chance) + "/gap.png?period=month",
        "how a figure was made": lambda chance: f"m/{MONITOR}/dyads/{chance.choice(asked.figures)}",
        "trend table": trends(""),
        "trend table, dyads": trends("?table=dyads"),
        "trend table, a group's weeks": lambda chance: (
            f"m/{MONITOR}/trends?group=g{chance.randrange(GROUPS):02d}&period=week"
        ),
        "trend table as CSV": lambda chance: (
            f"m/{MONITOR}/trends.csv?group=g{chance.randrange(GROUPS):02d}&period=week"
        ),
        "texts of a cell": cell,
        "texts": lambda chance: f"m/{MONITOR}/texts",
        "a text": lambda chance: f"m/{MONITOR}/documents/{chance.choice(asked.ids)}",
        WEIGHED: lambda chance: f"m/{MONITOR}/documents/{chance.choice(asked.ids)}?view=weights",
        LONG_WEIGHED: lambda chance: f"m/{MONITOR}/documents/{chance.choice(asked.large)}?view=weights",
        COPY: lambda chance: f"m/{MONITOR}/documents/{chance.choice(asked.large)}/archived",
        "label": lambda chance: f"m/{MONITOR}/label",
        "settle": lambda chance: f"m/{MONITOR}/label/settle",
        "models": lambda chance: f"m/{MONITOR}/models",
        "a model": lambda chance: f"m/{MONITOR}/models/{asked.model}",
        "sources": lambda chance: f"m/{MONITOR}/sources",
        "a source": lambda chance: f"m/{MONITOR}/sources/{group(chance)}-s0",
        "runs": lambda chance: f"m/{MONITOR}/runs",
    }


def show(app: Any, settings: Settings) -> None:
    """Put the pages of these settings into Airflow's application."""
    from pipeline.review.app import create_app as create_pages

    mounted = next(r.app for r in app.routes if getattr(r, "path", "") == "/rift")
    mounted._app = create_pages(settings)


def application(settings: Settings, home: Path) -> tuple[Any, str]:
    """Airflow's application with the pages on this store, and the token of somebody who may write."""
    os.environ |= {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{home / 'airflow.db'}"
    os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from airflow.api_fastapi.app import create_app
        from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
        from airflow.utils.db import initdb

        initdb()
        app = create_app(apps="core")
        show(app, settings)
        return app, app.state.auth_manager.generate_jwt(SimpleAuthManagerUser(username="ana", role="user"))


def asking(app: Any, token: str) -> Callable[[str], Any]:
    """What asks the application for an address below ``/rift/ui/`` in this process."""
    from starlette.testclient import TestClient

    client = TestClient(app, headers={"Authorization": f"Bearer {token}"})
    return lambda below: client.get(f"/rift/ui/{below}")


def add_runs(settings: Settings) -> None:
    """Fifty runs of each source, and five places, of which one fails: without them no page reads a source's texts."""
    with open_session(settings) as session:
        for group in range(GROUPS):
            for source in (f"g{group:02d}-s{number}" for number in range(SOURCES)):
                for number in range(50):
                    session.add(
                        Run(
                            job="collect", monitor=MONITOR, source=source, started_at=NOW - timedelta(days=number),
                            seconds=3.0, found=9, new=4, known=5, updated=0, reposts=0, failed=0, waiting=0,
                            bytes=9_000, problems=[], sentence="collect: 9 found, 4 new.",
                        )
                    )  # fmt: skip
                for number in range(5):
                    failing = {"failure": "soft", "reason": "HTTP 503", "failures": 3} if number == 4 else {}
                    place = f"http://127.0.0.1:9/{source}/{number}"
                    session.add(Place(monitor=MONITOR, source=source, address=place, checked_at=NOW, **failing))
        session.commit()


def looked_at(texts: int) -> Select[tuple[Document]]:
    """The texts whose pages are asked for, 500 of all ages."""
    return select(Document).where(Document.id % max(1, texts // 500) == 0).order_by(Document.id).limit(500)


def add_words(settings: Settings, texts: int) -> None:
    """Put the starter model in the place of the made-up one, and words that it knows into the texts looked at."""
    made = train_starter(settings, codebook_of(VARIABLE))
    passages = [coding.text for coding in load_starter() if coding.lang == "en"]
    with open_session(settings) as session:
        row = session.get_one(Model, 1)
        row.name, row.sha256, row.card = made.name, made.sha256, made.card
        for number, document in enumerate(session.scalars(looked_at(texts))):
            document.text = "\n\n".join(passages[(number + i) % len(passages)] for i in range(PASSAGES))
            if number % EACH_LARGE == 0:
                some = Random(number).sample(passages, len(passages))  # noqa: S311 (not for secrets)
                document.text = "\n\n".join(some)[:LONG_TEXT]
        session.commit()


def add_copies(settings: Settings, texts: int) -> None:
    """Give every long text an archived copy, written as collecting writes it."""
    with open_session(settings) as session:
        for document in session.scalars(looked_at(texts)).all()[::EACH_LARGE]:
            body = large_page(COPY_BYTES, seed=document.id).encode()
            kind = httpx.Headers({"content-type": "text/html; charset=utf-8"})
            with closing(Archive(shelf_of(settings), MONITOR, document.source)) as archive:
                answer = Response(document.address, 200, kind, body, body, NOW, 0.1)
                place = archive.write(document.address, answer)
            capture = Capture(
                monitor=MONITOR, source=document.source, address=document.address, captured_at=NOW, http_status=200,
                content_type=answer.content_type, digest=sha256(body).hexdigest(), length=len(body),
                warc_file=place.file, warc_offset=place.offset,
            )  # fmt: skip
            session.add(capture)
            session.flush()
            document.capture_id = capture.id
        session.commit()


def with_further(settings: Settings) -> Settings:
    """Settings that watch two smaller monitors too: of the first groups, with what the overview reads of these."""
    folder = settings.monitors.with_name("three")
    if not folder.exists():
        groups = [f"g{number:02d}" for number in range(FURTHER_GROUPS)]
        sources = [f"{group}-s{number}" for group in groups for number in range(SOURCES)]
        dyads = [f"{a}--{b}" for a, b in zip(groups[::2], groups[1::2], strict=True)]
        of_groups = (
            *((table, table.a.in_(groups)) for table in (GapCell, StateChange, RaisedAlarm)),
            (TrendCell, TrendCell.group_id.in_(groups)),
            (Published, Published.subject.in_(dyads)),
            *((table, table.source.in_(sources)) for table in (Run, Place)),
        )
        with open_session(settings) as session:
            for name in FURTHER:
                for table, theirs in of_groups:
                    kept = [column for column in table.__table__.columns if column.name not in {"id", "monitor"}]
                    rows = select(*kept, literal(name)).where(table.monitor == MONITOR, theirs)
                    session.execute(insert(table).from_select([*(column.name for column in kept), "monitor"], rows))
            session.commit()
        folder.mkdir()
        first = (settings.monitors / "m.yaml").read_text(encoding="utf-8")
        (folder / "m.yaml").write_text(first, encoding="utf-8")
        described = json.loads(first)
        for key, most in (("groups", groups), ("sources", sources), ("dyads", dyads)):
            described[key] = described[key][: len(most)]
        for name in FURTHER:
            (folder / f"{name}.yaml").write_text(json.dumps(described | {"name": name}), encoding="utf-8")
    return settings.model_copy(update={"monitors": folder})


def prepare(settings: Settings, texts: int) -> Asked:
    """Fill the store, measure it, and write the monitor's file, unless it was kept."""
    from pipeline.measure.job import measure
    from pipeline.measure.keeping import keep_panels, keep_smoothed

    if not settings.monitors.exists():
        watched = monitor()
        fill(settings, texts)
        add_runs(settings)
        add_words(settings, texts)
        add_copies(settings, texts)
        measure(settings, watched, now=NOW)
        with open_session(settings) as session:
            keep_panels(session, watched, NOW)
            keep_smoothed(session, watched, NOW)
            session.commit()
        settings.monitors.mkdir()
        described = watched.model_dump(mode="json", exclude_defaults=True)
        (settings.monitors / "m.yaml").write_text(json.dumps(described), encoding="utf-8")
    with open_session(settings) as session:
        ids = [document.id for document in session.scalars(looked_at(texts))]
        gaps = (Published.monitor == MONITOR, Published.kind == "gap", Published.period == "quarter")
        figures = session.execute(select(Published.subject, Published.start).where(*gaps).distinct()).all()
        return Asked(
            ids=[one for number, one in enumerate(ids) if number % EACH_LARGE],
            large=ids[::EACH_LARGE],
            figures=[
                f"{dyad.replace('--', '/')}/explain?period={period_of('quarter', start).label}"
                for dyad, start in figures
            ],
            model=session.get_one(Model, 1).name,
        )


def server_times(
    settings: Settings, ask: Callable[[str], Any], pages: dict[str, Callable[[Random], str]]
) -> dict[str, tuple[float, float, float, int]]:
    """Page -> seconds by the clock (median, 95th percentile), the same percentile of own time, most questions asked."""
    asked: list[str] = []
    event.listen(engine_for(settings.database), "before_cursor_execute", lambda *told: asked.append(told[2]))
    chance, made = Random(5), {}  # noqa: S311 (not for secrets)
    for name, address in pages.items():
        clock, own, most = [], [], 0
        ask(address(chance))  # the first one imports and compiles
        for _ in range(ROUNDS):
            asked.clear()
            began, began_own = time.perf_counter(), time.process_time()
            answer = ask(address(chance))
            clock.append(time.perf_counter() - began)
            own.append(time.process_time() - began_own)
            most = max(most, len(asked))
            if answer.status_code != 200:
                raise RuntimeError(f"{answer.url}: {answer.status_code}: {answer.text[:300]}")
            if name in {WEIGHED, LONG_WEIGHED} and "What the model saw" not in answer.text:
                raise RuntimeError(f"{answer.url}: no passage is weighed")
        made[name] = (float(np.median(clock)), float(np.quantile(clock, 0.95)), float(np.quantile(own, 0.95)), most)
    return made


def first_paints(
    app: Any, token: str, pages: dict[str, Callable[[Random], str]], chromium: str
) -> dict[str, tuple[float, float]]:
    """Page -> seconds from the click to its first contentful paint (median, 95th percentile), nothing cached."""
    from playwright.sync_api import sync_playwright

    chance, made = Random(7), {}  # noqa: S311 (not for secrets)
    with served(app) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, address in pages.items():
            if name in NOT_PAINTED:
                continue
            took = []
            for _ in range(PAINTS):
                context = browser.new_context(viewport={"width": 1280, "height": 900})
                context.add_cookies([{"name": "_token", "value": token, "url": server}])
                page = context.new_page()
                answer = page.goto(f"{server}/rift/ui/{address(chance)}")
                if answer is None or answer.status != 200:
                    raise RuntimeError(f"{page.url}: {answer and answer.status}")
                took.append(float(page.evaluate(FIRST_PAINT)) / 1000)
                context.close()
            made[name] = (float(np.median(took)), float(np.quantile(took, 0.95)))
        browser.close()
    return made


def main() -> int:
    """Print the figures; 1 when a page is above its ceiling."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=50_000)
    parser.add_argument("--full", action="store_true", help="1,000,000 texts")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL server of its own")
    parser.add_argument("--keep", type=Path, help="a folder for a store on SQLite, used again when it is there")
    chosen = parser.parse_args()
    texts = 1_000_000 if chosen.full else chosen.texts
    database = "PostgreSQL" if chosen.postgres else "SQLite"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address = stack.enter_context(Postgres(durable=False)).new_database("pages") if chosen.postgres else ""
        kept = folder if chosen.keep is None or chosen.postgres else chosen.keep
        settings = Settings(data=kept / "data", database_url=address, monitors=kept / "monitors")
        (folder / "airflow").mkdir()
        pages = addresses(prepare(settings, texts))
        three = with_further(settings)
        if chosen.postgres:
            with engine_for(settings.database).connect() as connection:
                # as the server does by itself in time: until then it knows nothing of how many rows there are
                connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
        app, token = application(settings, folder / "airflow")
        figures = server_times(settings, asking(app, token), pages)
        chromium = shutil.which("chromium")
        painted = first_paints(app, token, pages, chromium) if chromium else {}
        show(app, three)
        overview = {"overview, three monitors": pages["overview"]}
        figures |= server_times(settings, asking(app, token), overview)
        painted |= first_paints(app, token, overview, chromium) if chromium else {}
        engine_for(settings.database).dispose()
    goals = f"goals {GOAL * 1000:.0f} on the server and {PAINT_GOAL * 1000:.0f} to the first paint, 95th percentiles"
    print(f"{texts:,} texts, {GROUPS} groups, {database}; milliseconds, {goals}")
    print(f"  {'page':32}{'median':>8}{'95th':>8}{'own time, 95th':>16}{'questions':>11}{'paint':>8}{'95th':>8}")
    for name, (median, clock, own, questions) in figures.items():
        times = "".join(f"{seconds * 1000:8.0f}" for seconds in painted.get(name, ()))
        print(f"  {name:32}{median * 1000:8.0f}{clock * 1000:8.0f}{own * 1000:16.0f}{questions:11}{times}")
    if not chromium:
        print("no browser found: install Debian's package chromium; first paints are not measured")
    held = True
    worst = max(clock if chosen.postgres else own for _, clock, own, _ in figures.values())
    if worst > CEILING[database]:
        held = False
        print(f"the slowest page needs {worst:.2f} s, at most {CEILING[database]}", file=sys.stderr)
    slowest = max((late for _, late in painted.values()), default=0.0)
    if slowest > PAINT_CEILING:
        held = False
        print(f"the slowest page is first painted after {slowest:.2f} s, at most {PAINT_CEILING}", file=sys.stderr)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
