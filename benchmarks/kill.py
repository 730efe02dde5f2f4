"""What is left of a collecting run that is killed at a random moment, once the next run has come to its end?

    python -m benchmarks.kill [--moments 50] [--seed 1]

A feed, a sitemap and a listing on three hosts of loopback, with reposts and near duplicates across them, are
collected by `riftwatch collect` in a process of its own. Once undisturbed; then, per database and moment, into an empty
store: the run is killed (SIGKILL) at a moment drawn at random over its length, and runs again to the end. The documents
must be equal in address, digest, text, date, every candidate date, and cluster; every row of the archive's index must
resolve; no extraction process may outlive its run; what the kill left in the archive without a row is counted and taken
out. The floor is: all of them, always. Where no PostgreSQL server is installed it is left out, and that is said.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import select

from benchmarks.postgres import Postgres, programs
from pipeline.collect import archive
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Capture, Cluster, Document, Frontier

HOSTS = ("feed", "sitemap", "listing")
TEXTS = 40
"""of each host"""
WORDS = {
    "en": "the people of our land ask for bread and salt peace work rivers mountains old roads harvest council letter",
    "ar": "الشعب في أرضنا يطلب الخبز والملح والسلام والعمل والأنهار والجبال والطرق القديمة والحصاد والمجلس والرسالة",
    "fa": "مردم سرزمین ما نان و نمک و صلح و کار و رودها و کوه‌ها و راه‌های کهن و خرمن و شورا و نامه می‌خواهند",
}


@dataclass(frozen=True)
class Piece:
    """One text at one place."""

    path: str
    title: str
    words: str
    day: str
    language: str

    def page(self) -> bytes:
        paragraphs = "".join(f"<p>{part}</p>" for part in self.words.split("\n"))
        return (
            f'<!doctype html><html lang="{self.language}"><head><meta charset="utf-8"><title>{self.title}</title>'
            f'<meta property="article:published_time" content="{self.day}T08:00:00Z"></head>'
            f"<body><article><h1>{self.title}</h1>{paragraphs}</article></body></html>"
        ).encode()


def pieces(seed: int) -> dict[str, list[Piece]]:
    """The texts of each host: a quarter of the later hosts' are reposts or near duplicates of the first's."""
    chance = random.Random(seed)  # noqa: S311
    made: dict[str, list[Piece]] = {}
    for host in HOSTS:
        some = []
        for number in range(TEXTS):
            day = f"2009-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
            language = chance.choice(sorted(WORDS))
            known = WORDS[language].split()
            words = "\n".join(" ".join(chance.choices(known, k=45)) + "." for _ in range(3))
            if host != HOSTS[0] and number % 4 == 0:
                first = made[HOSTS[0]][number]
                language, words = first.language, first.words
                if number % 8 == 0:
                    words += "\n" + " ".join(chance.choices(known, k=12))
            some.append(Piece(f"/{host}/{number}", f"{host} {number}", words, day, language))
        made[host] = some
    return made


class World:
    """The three hosts, on ports of loopback."""

    def __init__(self, seed: int) -> None:
        self.pieces = pieces(seed)
        self._servers = {host: ThreadingHTTPServer(("127.0.0.1", 0), self._handler(host)) for host in HOSTS}
        for server in self._servers.values():
            server.daemon_threads = True
            server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a killed client resets its connections
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def place(self, host: str) -> str:
        return f"127.0.0.1:{self._servers[host].server_address[1]}"

    def _handler(self, host: str) -> type[BaseHTTPRequestHandler]:
        world = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body, kind = world.answer(host, self.path)
                self.send_response(200 if body else 404)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler

    def answer(self, host: str, path: str) -> tuple[bytes, str]:
        here = f"http://{self.place(host)}"
        some = self.pieces[host]
        if path == "/feed.xml":
            items = "".join(
                f"<item><link>{here}{p.path}</link><title>{p.title}</title><pubDate>{p.day}</pubDate></item>"
                for p in some
            )
            return (
                f'<rss version="2.0"><channel><title>f</title>{items}</channel></rss>'.encode(),
                "application/rss+xml",
            )
        if path == "/sitemap.xml":
            urls = "".join(f"<url><loc>{here}{p.path}</loc><lastmod>{p.day}</lastmod></url>" for p in some)
            return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'.encode(), "text/xml"
        if path.startswith("/list/"):
            page = int(path.removeprefix("/list/"))
            links = "".join(f'<a class="text" href="{p.path}">{p.title}</a>' for p in some[page * 10 : page * 10 + 10])
            more = f'<a class="next" href="/list/{page + 1}">more</a>' if (page + 1) * 10 < len(some) else ""
            return f"<html><body>{links}{more}</body></html>".encode(), "text/html"
        found = next((p for p in some if p.path == path), None)
        return (found.page(), "text/html; charset=utf-8") if found else (b"", "text/plain")

    def monitor(self, file: Path) -> Path:
        """The file of a monitor that watches all three."""
        feed, sitemap, listing = (self.place(host) for host in HOSTS)
        file.write_text(
            f"""name: broken-off
title: Runs that are broken off
groups: [{{id: home, name: Home}}, {{id: abroad, name: Abroad}}]
allowed_addresses: ["{feed}", "{sitemap}", "{listing}"]
sources:
  - {{id: feed, kind: feed, speaker: own, group: home, delay: 0, addresses: ["http://{feed}/feed.xml"]}}
  - {{id: sitemap, kind: sitemap, speaker: own, group: abroad, delay: 0, addresses: ["http://{sitemap}/sitemap.xml"]}}
  - {{id: listing, kind: listing, speaker: observer, group: abroad, delay: 0, addresses: ["http://{listing}/list/0"],
     link_selector: a.text, next_selector: a.next}}
""",
            encoding="utf-8",
        )
        return file

    def close(self) -> None:
        for server in self._servers.values():
            server.shutdown()
            server.server_close()


@dataclass
class Store:
    """A data folder and a database."""

    data: Path
    database: str = ""

    @property
    def settings(self) -> Settings:
        return Settings(data=self.data, database_url=self.database)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "pipeline.cli", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "RIFTWATCH_DATA": str(self.data),
            "RIFTWATCH_DATABASE_URL": self.database,
            "RIFTWATCH_CONTACT": "https://example.org/kill",
        }

    def start(self, monitor: Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command("collect", "--monitor", str(monitor)),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=PROJECT_ROOT,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            cwd=PROJECT_ROOT,
        )

    def finish(self, monitor: Path) -> None:
        """Collect until nothing is pending. Raises RuntimeError when that does not come about."""
        for _ in range(3):
            done = self.run("collect", "--monitor", str(monitor))
            if done.returncode == 0 and not self.pending():
                return
        raise RuntimeError(f"{self.pending()} addresses are still pending after three runs: {done.stdout}{done.stderr}")

    def pending(self) -> int:
        with open_session(self.settings) as session:
            return Counter(session.scalars(select(Frontier.status)))["pending"]

    def close(self) -> None:
        engine_for(self.settings.database).dispose()


@dataclass
class Outcome:
    """What a store holds, in a form that two stores can be compared by."""

    documents: dict[tuple[str, str], Any] = field(default_factory=dict)
    clusters: set[frozenset[tuple[str, str]]] = field(default_factory=set)
    firsts: set[tuple[str, str]] = field(default_factory=set)
    unresolved: list[str] = field(default_factory=list)
    """captures whose record can't be read, or has another body"""

    @classmethod
    def of(cls, settings: Settings) -> Outcome:
        made = cls()
        together: dict[int | None, set[tuple[str, str]]] = {}
        with open_session(settings) as session:
            firsts = set(session.scalars(select(Cluster.first_document_id)))
            for one in session.scalars(select(Document)):
                key = (one.source, one.address)
                assert key not in made.documents, f"{key} stands twice"
                candidates = sorted((d["origin"], d["value"], d["accepted"]) for d in one.dates)
                made.documents[key] = (one.text_digest, one.text, one.title, one.published_at, one.language, candidates)
                together.setdefault(one.cluster_id, set()).add(key)
                if one.id in firsts:
                    made.firsts.add(key)
            for capture in session.scalars(select(Capture)):
                try:
                    body = archive.read(settings.archive, capture.warc_file, capture.warc_offset).body
                except archive.ArchiveError as error:
                    made.unresolved.append(str(error))
                    continue
                if hashlib.sha256(body).hexdigest() != capture.digest:
                    made.unresolved.append(f"{capture.warc_file} at {capture.warc_offset} holds another body")
        made.clusters = {frozenset(keys) for keys in together.values()}
        return made

    def differs(self, other: Outcome) -> str | None:
        """In what, in words; null when both are equal and all resolves."""
        if self.unresolved:
            return f"{len(self.unresolved)} index rows do not resolve: {self.unresolved[0]}"
        for name in ("documents", "clusters", "firsts"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                lost, more = set(theirs) - set(mine), set(mine) - set(theirs)
                return f"{name} differ: {len(lost)} missing, {len(more)} too many"
        return None


def kill_at(store: Store, monitor: Path, moment: float) -> bool:
    """Start a run, kill it after ``moment`` seconds; whether it was still running. Its own processes must end too."""
    process = store.start(monitor)
    try:
        process.wait(timeout=moment)
        return False
    except subprocess.TimeoutExpired:
        pass
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    _, alive = psutil.wait_procs(children, timeout=20)
    if alive:
        raise RuntimeError(f"{len(alive)} processes outlive the run that started them: {alive[0]}")
    return True


def undisturbed(folder: Path, monitor: Path) -> tuple[Outcome, float]:
    """What an undisturbed run leaves, and how long it takes."""
    store = Store(folder / "undisturbed")
    began = time.monotonic()
    store.finish(monitor)
    took = time.monotonic() - began
    made = Outcome.of(store.settings)
    store.close()
    return made, took


@dataclass
class Tally:
    moments: int = 0
    too_late: int = 0
    orphans: int = 0
    wrong: list[str] = field(default_factory=list)


def orphans_of(store: Store, monitor: Path) -> int:
    """Records that no index row names, by `riftwatch archive check`; after `purge` there are none, and all resolves."""
    from pipeline.collect.archive import shelf_of
    from pipeline.collect.archive.audit import audit

    count = audit(store.settings, shelf_of(store.settings), "broken-off").orphans
    if store.run("archive", "purge", "--monitor", str(monitor)).returncode:
        raise RuntimeError("the purge failed")
    after = audit(store.settings, shelf_of(store.settings), "broken-off")
    if after.orphans or after.dangling:
        raise RuntimeError(f"after the purge: {after.lines()}")
    return int(count)


def try_moments(
    stores: Iterator[Store], monitor: Path, expected: Outcome, took: float, moments: int, seed: int
) -> Tally:
    """Kill ``moments`` runs, each into an empty store, and compare what the next run makes of them."""
    chance, tally = random.Random(seed), Tally()  # noqa: S311
    for store in stores:
        # before the first half second nothing but Python's own imports is under way
        moment = chance.uniform(0.5, took)
        tally.moments += 1
        try:
            tally.too_late += not kill_at(store, monitor, moment)
            store.finish(monitor)
            wrong = Outcome.of(store.settings).differs(expected)
            tally.orphans += orphans_of(store, monitor)
            wrong = wrong or Outcome.of(store.settings).differs(expected)
        except RuntimeError as error:
            wrong = str(error)
        finally:
            store.close()
        if wrong:
            tally.wrong.append(f"killed after {moment:.2f} s: {wrong}")
        if tally.moments == moments:
            break
    return tally


@contextmanager
def world(seed: int) -> Iterator[World]:
    made = World(seed)
    try:
        yield made
    finally:
        made.close()


def main() -> int:
    """Print what was found; 1 when a single moment leaves a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=50, help="kills per database")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    held = True
    with tempfile.TemporaryDirectory() as name, world(chosen.seed) as some:
        folder = Path(name)
        monitor = some.monitor(folder / "monitor.yaml")
        expected, took = undisturbed(folder, monitor)
        print(f"undisturbed: {len(expected.documents)} texts in {len(expected.clusters)} clusters, {took:.1f} s")
        server = Postgres() if programs() else None
        if server is None:
            print("no PostgreSQL server is installed: left out")
        with server or nullcontext():
            for database in ("SQLite", "PostgreSQL")[: 2 if server else 1]:

                def stores(database: str = database) -> Iterator[Store]:
                    for number in range(chosen.moments):
                        address = server.new_database(f"kill{number}") if server and database == "PostgreSQL" else ""
                        yield Store(folder / f"{database}-{number}", address)

                tally = try_moments(stores(), monitor, expected, took, chosen.moments, chosen.seed)
                print(
                    f"{database:10} {tally.moments} moments ({tally.too_late} after the end), "
                    f"{tally.orphans} records without a row, purged; {len(tally.wrong)} differences"
                )
                for wrong in tally.wrong:
                    print(f"  - {wrong}")
                held &= not tally.wrong
    print(f"floor: no difference at all: {'held' if held else 'BROKEN'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
