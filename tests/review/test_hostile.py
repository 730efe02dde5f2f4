"""Two hundred and forty hostile texts, collected from a real site, framed, measured, and seen in a real browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from pipeline.monitor.load import load_monitor
from pipeline.settings import Settings
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Coding, Document, KeptSheet, Model, Queue
from tests.browser import CHROMIUM, MISSING
from tests.collect.conftest import new_site
from tests.review import hostile
from tests.review.visiting import Visitor, start_server

__all__ = ["new_site"]

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.airflow,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore"),
]

MONITOR = """
name: hostile
title: Texts that would like to run
since: {since}
periods: [month]
groups:
  - {{id: heron, name: Heron League}}
  - {{id: maple, name: Maple Covenant}}
sources:
  - {{id: news, kind: feed, group: heron, speaker: own, addresses: ["{address}/feed"], delay: 0}}
  - id: pamphlets
    kind: table
    group: maple
    speaker: own
    path: {path}
    columns: {{text: text, title: title, date: date, address: address, language: language}}
dyads: [[heron, maple]]
allowed_addresses: ["{host_port}"]
"""

LOOK = """() => [...document.querySelectorAll('*')].flatMap(element => [...element.attributes]
  .filter(a => a.name.startsWith('on') || a.name === 'srcdoc'
    || (a.name === 'style' && /url|import|expression|fixed/i.test(a.value))
    || (['href', 'src', 'action', 'formaction', 'xlink:href', 'data'].includes(a.name)
        && /^\\s*(javascript|data:text|vbscript|https?:)/i.test(a.value) && !a.value.startsWith(location.origin)))
  .map(a => element.tagName + ' ' + a.name + '=' + a.value.slice(0, 80)))"""
"""Attributes that run something or lead out of the pages, wherever they stand; not the sizes our own script sets."""


@pytest.fixture
def collected(tmp_path, new_site) -> Iterator[Settings]:
    """A store after a run on a site that serves all payloads, with a queue and codings whose notes are payloads too."""
    site, every, today = new_site(), hostile.payloads(), datetime.now(UTC).date()
    days = [hostile.day_of(number, today) for number in range(len(every))]
    for number, payload in enumerate(every):
        site.add(f"/page/{number}", hostile.page(number, payload, days[number]))
    site.add("/feed", hostile.feed(site.address, every), type="application/rss+xml")
    table = tmp_path / "pamphlets.jsonl"
    rows = [
        {
            # so often that its words are typical of the covenant
            "text": f"{payload} " * 12
            + f"{site.address}/page/{number} : a letter on the {hostile.speech(number, 'pamphlet')}.",
            "title": payload,
            "date": f"{days[number] + timedelta(days=1)}",
            "address": f"http://127.0.0.1:9/pamphlets/{number}?{payload}",
            "language": payload,
        }
        for number, payload in enumerate(every)
    ]
    table.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    settings = Settings(data=tmp_path / "data", database_url="", monitors=tmp_path / "monitors")
    settings.monitors.mkdir()
    (settings.monitors / "hostile.yaml").write_text(
        MONITOR.format(address=site.address, host_port=site.host_port, path=table, since=min(days))
    )
    environment = os.environ | {
        "RIFTWATCH_DATA": str(settings.data),
        "RIFTWATCH_MONITORS": str(settings.monitors),
    }
    for words in (["run"], ["label", "queue", "--size", "40"], ["sheet", "heron", "maple", "--keep"]):
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.cli", *words], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode in (0, 1), done.stderr
    with open_session(settings) as session:
        texts = session.scalars(select(Document)).all()
        assert len([d for d in texts if d.source == "news"]) > 200
        assert len([d for d in texts if d.source == "pamphlets"]) > 200
        assert session.scalar(select(Queue.id)) is not None
        assert session.scalars(select(KeptSheet)).one().problem is None
        for number, document in enumerate(texts[:200]):
            # two coders who say different things of the first forty: somebody has to settle them
            for coder, value in (every[number][:50], "both"), (every[number][:49] + "2", "neither"):
                if value == "both" or number < 40:
                    session.add(
                        Coding(
                            monitor="hostile", address=document.address, document_id=document.id, variable="framing",
                            value=value, codebook_version=1, coder=coder, coded_at=document.collected_at,
                            draw="import", drawn_at=document.collected_at, note=every[number],
                        )
                    )  # fmt: skip
        session.commit()
    yield settings
    engine_for(settings.database).dispose()


def test_nothing_runs_on_any_page(collected, new_airflow, browser, tmp_path):
    if CHROMIUM is None:
        pytest.skip(MISSING)
    (tmp_path / "server").mkdir()
    server = start_server(new_airflow, tmp_path / "server", collected)
    visitor = Visitor(browser, next(server), "light")
    ran: list[object] = []
    visitor.context.expose_function("ran", lambda number: ran.append(number))  # noqa: PLW0108 (playwright marks what it is given)
    visitor.page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    try:
        with open_session(collected) as session:
            of_source = {
                source: list(
                    session.scalars(select(Document.id).where(Document.source == source).order_by(Document.id))
                )
                for source in ("news", "pamphlets")
            }
            models = list(session.scalars(select(Model.name)))
            sheet = session.scalars(select(KeptSheet)).one().sheet
        archived = of_source["news"][::3]
        ids = [*of_source["pamphlets"], *archived]
        below = ["", "m/hostile/trends", "m/hostile/dyads/heron/maple", "m/hostile/label", "m/hostile/label/settle"]
        below += ["m/hostile/models", "m/hostile/runs", "m/hostile/sources", "m/hostile/sources/news"]
        dyad = "m/hostile/dyads/heron/maple"
        below += [
            f"{dyad}?series=vintage",
            f"{dyad}?sources=panel",
            f"{dyad}?period=month",
            f"{dyad}/explain?period={datetime.now(UTC) - timedelta(days=100):%Y-%m}",
        ]
        below += [f"m/hostile/models/{name}" for name in models]
        below += ["m/hostile/trends?table=dyads", "m/hostile/new-source"]
        below += [f"m/hostile/texts?page={number}" for number in range(1, 8)]
        below += ["m/hostile/texts?q=letter", "m/hostile/texts?q=script", "m/hostile/texts?q=%3Cimg+onerror"]
        below += [f"m/hostile/documents/{document}" for document in ids]
        below += [f"m/hostile/documents/{document}?view=weights" for document in ids[::4]]
        below += [f"m/hostile/label/settle?variable=framing&skip={skip}" for skip in range(0, 40, 4)]
        # what a page fetches after its heading stands
        later = {"m/hostile/label": "#item-text:not(:empty)", "m/hostile/label/settle": "#dispute .text"}
        wrong = {}
        for address in below:
            visitor.opens(address)
            visitor.page.locator("main h1").first.wait_for()
            if waits := later.get(address):
                visitor.page.locator(waits).first.wait_for()
            if found := visitor.page.evaluate(LOOK):
                wrong[address] = found
        feed = str(load_monitor(collected.monitors / "hostile.yaml").sources[0].addresses[0])
        for typed in (feed, feed.replace("/feed", "/page/0")):
            visitor.opens("m/hostile/new-source")
            visitor.page.get_by_label("Address").fill(typed)
            visitor.page.locator("select[name=group]").select_option("heron")
            visitor.page.get_by_role("button", name="Look").click()
            visitor.page.locator("main .looked, main pre, main .note").first.wait_for(timeout=60_000)
            if found := visitor.page.evaluate(LOOK):
                wrong[typed] = found
        assert wrong == {}
        visitor.opens(dyad)
        typical = visitor.page.get_by_role("region", name="Words typical of Maple Covenant, en").locator("tbody th")
        assert {"ran", "script", "src"} <= set(typical.all_text_contents())
        cited = [text["title"] or text["address"] for one in sheet["exchanges"] for text in one["cited"]]
        assert len([title for title in cited if "<" in title and "ran(" in title]) >= 2, cited
        shown = visitor.page.locator("h3:has-text('Answers and citations') ~ ul a").all_text_contents()
        assert shown == cited
        for document in archived:
            visitor.page.goto(f"{visitor.address}/rift/ui/m/hostile/documents/{document}/archived")
        assert ran == []
        assert [a for a in visitor.asked if not a.startswith((visitor.address, "data:", "blob:"))] == []
    finally:
        visitor.context.close()
        server.close()


def test_the_browser_would_have_seen_it(browser):
    """The blows are real: most of them run in a page that takes them for markup."""
    context = browser.new_context()
    try:
        page = context.new_page()
        ran: list[int] = []
        page.expose_function("ran", lambda number: ran.append(number))  # noqa: PLW0108 (playwright marks what it is given)
        for number, blow in enumerate(hostile.BLOWS):
            if "http-equiv" in blow:
                continue  # it leads away in the midst of the test
            page.set_content(f"<p>{blow.format(n=number)}</p>")
            page.wait_for_timeout(50)
        assert len(set(ran)) >= 8, ran
    finally:
        context.close()
