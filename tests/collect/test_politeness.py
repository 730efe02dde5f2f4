"""Four processes, two monitors, three hosts: not one request early, by the hosts' own log."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import func, select

from pipeline.collect.job import collect
from pipeline.settings import PROJECT_ROOT
from pipeline.store.session import open_session
from pipeline.store.tables import Document
from tests.collect.conftest import article

RUN = """
import json, sys
from pipeline.collect.job import collect
from pipeline.monitor import Monitor
from pipeline.settings import Settings

if __name__ == "__main__":
    print(collect(Settings(), Monitor.model_validate(json.loads(sys.argv[1])), sys.argv[2]).sentence())
"""
RETRY_AFTER = 1


@dataclass(frozen=True)
class Line:
    """One request in the log of a host."""

    arrived: float
    ended: float
    """just before the last byte left: nobody can have had the whole response earlier"""
    path: str
    process: str
    status: int


@dataclass
class Host:
    crawl_delay: float | None
    pages: dict[str, tuple[int, dict[str, str], str]] = field(default_factory=dict)
    log: list[Line] = field(default_factory=list)
    address: str = ""

    def start(self) -> ThreadingHTTPServer:
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                arrived = time.time()
                status, headers, body = host.pages.get(self.path, (404, {}, "not here"))
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(body.encode()))}.items():
                    self.send_header(name, value)
                self.flush_headers()
                time.sleep(0.02)
                ended = time.time()
                self.wfile.write(b"\r\n" + body.encode())
                host.log.append(Line(arrived, ended, self.path, self.headers["User-Agent"], status))

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.address = f"http://127.0.0.1:{server.server_address[1]}"
        if self.crawl_delay is not None:
            self.add("/robots.txt", f"User-agent: *\nCrawl-delay: {self.crawl_delay}\n", type="text/plain")
        return server

    def add(self, path: str, body: str, *, status: int = 200, type: str = "text/html", **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = (status, {"content-type": type, **named}, body)


def fill(hosts, sources, articles):
    """Every source has a feed on each of its hosts, with articles there, redirects to the others, and one 429."""
    for number, (name, places) in enumerate(sources.items()):
        for host in places:
            links = []
            for page in range(articles):
                path = f"/{name}/{page}"
                host.add(path, article(f"matter {number} {page} {host.address}"))
                links.append(path)
            for other in hosts:
                if other is not host:
                    target = f"/{name}/from-{hosts.index(host)}"
                    other.add(target, article(f"redirect {number} {target} {other.address}"))
                    path = f"/{name}/to-{hosts.index(other)}"
                    host.add(path, "", status=302, Location=other.address + target)
                    links.append(path)
            items = "".join(f"<item><link>{host.address}{link}</link></item>" for link in links)
            host.add(f"/{name}.xml", f"<rss version='2.0'><channel>{items}</channel></rss>", type="text/xml")
    first = next(iter(sources))
    hosts[0].add(f"/{first}/0", "slow down", status=429, Retry_After=str(RETRY_AFTER))


def prove(settings, articles, crawl_delays):
    hosts = [Host(delay) for delay in crawl_delays]
    servers = [host.start() for host in hosts]
    own = {"one-a": 0.15, "one-b": 0.0, "two-a": 0.3, "two-b": 0.1}
    sources = dict(zip(own, ([hosts[0]], [hosts[1]], [hosts[2]], hosts), strict=True))
    fill(hosts, sources, articles)
    with open_session(settings):
        pass  # the tables, once
    running = {}
    for name, places in sources.items():
        monitor = {
            "name": name.partition("-")[0],
            "title": "Test",
            "groups": [{"id": "home", "name": "Home"}, {"id": "abroad", "name": "Abroad"}],
            "sources": [
                {
                    "id": name, "kind": "feed", "group": "home", "speaker": "own", "delay": own[name],
                    "addresses": [f"{host.address}/{name}.xml" for host in places],
                }
            ],
            "allowed_addresses": [host.address.removeprefix("http://") for host in hosts],
        }  # fmt: skip
        environment = {
            **os.environ,
            "RIFTWATCH_DATA": str(settings.data),
            "RIFTWATCH_DATABASE_URL": settings.database,
            "RIFTWATCH_USER_AGENT": name,
            "RIFTWATCH_EXTRACTION_WORKERS": "1",
            "PYTHONPATH": str(PROJECT_ROOT),
        }
        command = [sys.executable, "-c", RUN, json.dumps(monitor), name]
        running[name] = subprocess.Popen(command, env=environment, stdout=-1, stderr=-1, text=True)
    for name, process in running.items():
        out, err = process.communicate(timeout=250)
        assert process.returncode == 0, f"{name}: {out}{err}"
    for server in servers:
        server.shutdown()
        server.server_close()
    return hosts, own


def early(hosts, own):
    """Requests that came before their time: (host, path, distance kept, distance owed)."""
    found = []
    for number, host in enumerate(hosts):
        lines = sorted(host.log, key=lambda line: line.arrived)
        for before, line in itertools.pairwise(lines):
            owed = max(own[before.process], own[line.process], host.crawl_delay or 0.0)
            if before.status == 429:
                owed = max(owed, RETRY_AFTER)
            if line.arrived - before.ended < owed:
                found.append((number, line.path, line.arrived - before.ended, owed))
    return found


def check(settings, articles, *crawl_delays):
    hosts, own = prove(settings, articles, crawl_delays)
    assert early(hosts, own) == []
    asked = defaultdict(set)
    for number, host in enumerate(hosts):
        paths = [line.path for line in host.log]
        # one robots.txt for all processes; nothing fetched twice
        assert sorted(paths) == sorted(set(paths))
        assert "/robots.txt" in paths
        for line in host.log:
            asked[number].add(line.process)
    # the test is only worth something where processes meet
    assert all(len(processes) >= 3 for processes in asked.values())
    with open_session(settings) as session:
        texts = session.scalar(select(func.count()).select_from(Document))
    assert texts == 6 * (articles + 2) - 1


@pytest.mark.long
def test_four_processes_on_three_hosts_are_never_early(settings):
    check(settings, 1, None, 0.2, 0.4)


@pytest.mark.long
def test_the_same_for_longer_on_both_databases(store_settings):
    check(store_settings, 6, None, 0.5, 1.5)


@pytest.mark.long
def test_the_run_after_a_killed_one_waits_its_distance_and_no_longer(settings, site, watch, feed_of):
    links = [site.article(f"/{number}", f"matter {number} of {number * 37}") for number in range(6)]
    site.add("/feed", feed_of(site, links), type="text/xml")
    monitor = watch(site, kind="feed", addresses=[site.address + "/feed"], delay=0.8)
    environment = {**os.environ, "RIFTWATCH_DATA": str(settings.data), "PYTHONPATH": str(PROJECT_ROOT)}
    environment["RIFTWATCH_EXTRACTION_WORKERS"] = "1"
    command = [sys.executable, "-c", RUN, monitor.model_dump_json(exclude_unset=True), "letters"]
    with subprocess.Popen(command, env=environment, stdout=-1, stderr=-1, text=True) as process:
        until = time.time() + 60
        while len(site.requests) < 4 and time.time() < until and process.poll() is None:
            time.sleep(0.05)
        process.kill()
    before = list(site.requests)
    assert len(before) >= 4
    killed = time.time()
    report = collect(settings, monitor, "letters")
    after = site.requests[len(before) :]
    assert after[0][0] - before[-1][0] >= 0.8
    assert after[0][0] - killed < 10  # the lease of the dead run has half a minute to go
    assert report.waiting == 0
    with open_session(settings) as session:
        assert session.scalar(select(func.count()).select_from(Document)) == 6


def test_the_proof_sees_a_request_that_is_early():
    line = Line(10.0, 10.1, "/a", "one-a", 200)
    late = Line(10.5, 10.6, "/b", "one-a", 429)
    assert early([Host(0.4, log=[late, line])], {"one-a": 0.0}) == []
    assert len(early([Host(0.41, log=[line, late])], {"one-a": 0.0})) == 1
    assert len(early([Host(None, log=[line, late])], {"one-a": 0.5})) == 1
    assert len(early([Host(None, log=[late, Line(11.2, 11.3, "/c", "one-a", 200)])], {"one-a": 0.0})) == 1
