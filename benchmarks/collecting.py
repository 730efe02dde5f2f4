"""How fast is the whole way from a page on a server to a stored document, and does its cost stay what it is?

    python -m benchmarks.collecting [--pages 362] [--rounds 3]      rates
    python -m benchmarks.collecting --memory 300 3000               peak memory at two sizes
    python -m benchmarks.collecting --growth 1000 10000 50000       cost of a text in a small store and in large ones

Rates: the 181 real pages of article_extraction, counted round over 8 hosts of loopback, zero delay, in turns:
(a) the extractor alone (bytes in memory, as many processes as `collect` uses, nothing kept), (b) `collect`, the whole
way, on SQLite and on PostgreSQL where a server can be started, (c) a plain Scrapy spider with trafilatura and
SQLAlchemy, in an environment of its own below build/. What counts are the ratios of the best rounds. Exits 1 below a
floor. Without the data set (../shared/data) it says so and stops.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from benchmarks.extraction import DATA, pages
from benchmarks.postgres import Postgres, programs
from pipeline.collect.job import collect
from pipeline.collect.readers import Page, read_all
from pipeline.extract.document import Extracted
from pipeline.extract.similarity import BANDS
from pipeline.extract.worker import read
from pipeline.monitor import Monitor
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.store.documents import Incoming, keep_documents
from pipeline.store.session import open_session

HOSTS = 8
FLOOR_EXTRACTOR = 0.7
GOAL_EXTRACTOR = 0.9
FLOOR_SCRAPY = 2.5
GOAL_SCRAPY = 3.0
CEILING_MEMORY = 1.10
"""peak at the larger size, over that at the smaller"""
CEILING_GROWTH = 2.5
"""Processor time per text in the larger store, over that in the smaller. Up to some 10,000 texts it grows with the
pages of the band index that a batch touches (40 for each text, once they are all different), and then no more."""
NOW = datetime(2024, 1, 1, tzinfo=UTC)
PACKED = PROJECT_ROOT / "build" / "scrapy"
REQUIREMENTS = Path(__file__).with_name("scrapy-requirements.txt")


# Servers


@contextmanager
def page_server() -> Iterator[list[int]]:
    """The ports of a server of the real pages, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.page_server", str(HOSTS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT_ROOT) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()


def scrapy_python() -> Path | None:
    """The interpreter of an environment with Scrapy, made where it is missing; null where that is not possible."""
    python = PACKED / "bin" / "python"
    done = PACKED / "installed.txt"
    wanted = REQUIREMENTS.read_text()
    if done.is_file() and done.read_text() == wanted:
        return python
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", PACKED], check=True, capture_output=True)
        pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--only-binary", ":all:"]
        subprocess.run([*pip, "-r", REQUIREMENTS], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        why = str(getattr(error, "stderr", None) or error).strip().splitlines()[-1]
        print(f"no environment with Scrapy can be made ({why}); its line is left out")
        return None
    done.write_text(wanted)
    return python


# The three ways; each returns pages per second


def extractor_alone(count: int, processes: int) -> float:
    """Pages that lie in memory, shared out among processes as they get done; nothing is stored or sent back."""
    take, give = os.pipe()
    os.write(give, b"".join(i.to_bytes(4, "big") for i in range(count)))
    os.close(give)
    command = [sys.executable, "-m", "benchmarks.collecting", "--extract", str(take)]
    crew = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT_ROOT, pass_fds=[take], text=True
        )
        for _ in range(processes)
    ]
    for one in crew:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    began = time.monotonic()
    for one in crew:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    for one in crew:
        assert one.stdout is not None
        assert one.stdout.readline() == "done\n"
    seconds = time.monotonic() - began
    for one in crew:
        one.communicate()
    os.close(take)
    return count / seconds


def extract(numbers: int) -> None:
    """In a process of :func:`extractor_alone`."""
    real = list(pages(DATA / "article_extraction"))
    headers = [
        {"address": address, "content_type": "text/html", "hints": {}, "rules": {}, "now": NOW.isoformat()}
        for address, _, _ in real
    ]
    read(headers[0], real[0][2])
    print("ready", flush=True)
    sys.stdin.readline()
    while number := os.read(numbers, 4):
        i = int.from_bytes(number, "big") % len(real)
        read(headers[i], real[i][2])
    print("done", flush=True)


def monitor_of(ports: list[int], count: int, first: int = 0) -> Monitor:
    maps = [f"http://127.0.0.1:{port}/map/{first}-{first + count}.txt" for port in ports]
    return Monitor.model_validate(
        {
            "name": "bench",
            "title": "Bench",
            "groups": [{"id": "home", "name": "Home"}],
            "sources": [
                {
                    "id": "pages",
                    "kind": "sitemap",
                    "addresses": maps,
                    "group": "home",
                    "speaker": "own",
                    "schedule": "@daily",
                    "delay": 0,
                }
            ],
            "allowed_addresses": [f"127.0.0.1:{port}" for port in ports],
        }
    )


def whole_way(ports: list[int], count: int, database: str | None = None) -> float:
    """`collect` into a new store."""
    with tempfile.TemporaryDirectory(prefix="riftwatch-bench-") as folder:
        settings = Settings(data=Path(folder), database_url=database or "", default_delay=0.0, run_seconds=3600)
        name = f"bench{random.getrandbits(40):x}"  # one database for all rounds
        monitor = monitor_of(ports, count).model_copy(update={"name": name})
        with open_session(settings):
            pass  # the tables are made before
        report = collect(settings, monitor, "pages")
        if report.found != count or report.waiting or report.new + report.failed != count:
            raise SystemExit(f"not all pages were collected: {report.sentence()} {report.problems}")
        return count / report.seconds


def scrapy(python: Path, ports: list[int], count: int) -> float:
    addresses = "\n".join(f"http://127.0.0.1:{ports[i % HOSTS]}/{i}" for i in range(count))
    with tempfile.TemporaryDirectory(prefix="riftwatch-bench-") as folder:
        command = [python, Path(__file__).with_name("plain_spider.py"), Path(folder) / "articles.db"]
        ran = subprocess.run(command, input=addresses, capture_output=True, text=True, check=True)
    said = json.loads(ran.stdout)
    if said["pages"] < 0.9 * count:
        raise SystemExit(f"Scrapy stored {said['pages']} of {count} pages: {ran.stderr[-500:]}")
    return count / float(said["seconds"])


def warm_up(settings: Settings) -> None:
    """Start the workers that `collect` uses: their imports take two seconds, once in a process."""
    real = list(pages(DATA / "article_extraction"))
    list(read_all(settings, ((i, Page(a, b, "text/html", NOW)) for i, (a, _, b) in enumerate(real * 2))))


def rates(count: int, rounds: int) -> bool:
    """Prints the rates; whether all floors hold."""
    processes = Settings().extraction_processes
    warm_up(Settings())
    best: dict[str, float] = {}
    python = scrapy_python()
    server = Postgres() if programs() else None
    if server is None:
        print("no PostgreSQL server is installed; its line is left out")
    with page_server() as ports, server or nullcontext():
        for number in range(rounds):
            measured = {"extractor": extractor_alone(count, processes), "sqlite": whole_way(ports, count)}
            if server is not None:
                measured["postgresql"] = whole_way(ports, count, server.new_database(f"round{number}"))
            if python is not None:
                measured["scrapy"] = scrapy(python, ports, count)
            best = {name: max(rate, best.get(name, 0.0)) for name, rate in measured.items()}
    print(f"{count:,} pages over {HOSTS} hosts, {processes} extraction processes, {os.cpu_count()} processors")
    print(f"{'':34} pages/s  of the extractor  of Scrapy")
    names = {
        "extractor": "extractor alone, nothing kept",
        "sqlite": "collect, whole way, SQLite",
        "postgresql": "collect, whole way, PostgreSQL",
        "scrapy": "Scrapy + trafilatura + SQLAlchemy",
    }
    for name, rate in best.items():
        beside = f"{rate / best['scrapy']:8.1f} x" if "scrapy" in best else ""
        print(f"{names[name]:34} {rate:7.1f} {rate / best['extractor']:17.2f}  {beside}")
    share = best["sqlite"] / best["extractor"]
    held = share >= FLOOR_EXTRACTOR
    print(f"share of the extractor {share:.2f}, floor {FLOOR_EXTRACTOR}, goal {GOAL_EXTRACTOR}")
    if "scrapy" in best:
        times = best["sqlite"] / best["scrapy"]
        held = held and times >= FLOOR_SCRAPY
        print(f"times Scrapy {times:.1f}, floor {FLOOR_SCRAPY}, goal {GOAL_SCRAPY}")
    return held


# Memory


def _peak(process: int) -> int:
    """Peak resident memory, in bytes."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/{process}/status has no VmHWM")


def collect_and_weigh(ports: list[int], count: int) -> None:
    """In a process of its own: collect, and print the peak of this process and of its workers, in MB."""
    rate = whole_way(ports, count)
    workers = sum(_peak(child.pid) for child in psutil.Process().children())
    print(json.dumps({"own": _peak(os.getpid()) / 1e6, "workers": workers / 1e6, "rate": rate}))


def memory(sizes: list[int]) -> bool:
    """Prints the peaks; whether the largest size takes what the smallest does."""
    totals = []
    with page_server() as ports:
        for count in sizes:
            command = [sys.executable, "-m", "benchmarks.collecting", "--weigh", str(count), *map(str, ports)]
            ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=PROJECT_ROOT)
            said = json.loads(ran.stdout)
            totals.append(said["own"] + said["workers"])
            print(
                f"{count:,} pages: peak {totals[-1]:.0f} MB ({said['own']:.0f} collecting, {said['workers']:.0f} in "
                f"extraction processes), {said['rate']:.0f} pages/s"
            )
    ratio = totals[-1] / totals[0]
    print(f"peak at {sizes[-1]:,} pages over that at {sizes[0]:,}: {ratio:.2f}, ceiling {CEILING_MEMORY}")
    return ratio <= CEILING_MEMORY


# Growth


def synthetic(chance: random.Random, number: int) -> Incoming:
    """A text no other resembles, but for every tenth: the bands of a signature are as good as random numbers."""
    words = " ".join(f"w{chance.getrandbits(14)}" for _ in range(300))
    bands = tuple(chance.getrandbits(64) - 2**63 for _ in range(BANDS))
    when = NOW - timedelta(hours=number)
    digest = f"{chance.getrandbits(256):064x}" if number % 10 else "f" * 64
    made = Extracted(f"http://a/{number}", f"Text {number}", words, digest, "en", 0.9, when, "meta", (), "utf-8")
    return Incoming("s", "g", "own", made, None, NOW, bands)


def growth(sizes: list[int], database: str | None = None) -> bool:
    """Prints milliseconds per text at each size; whether the last is about the first."""
    chance = random.Random(2009)  # noqa: S311 (texts, not secrets)
    costs = []
    batch, measured = 32, 640
    with tempfile.TemporaryDirectory(prefix="riftwatch-bench-") as folder:
        settings = Settings(data=Path(folder), database_url=database or "")
        number = 0
        with open_session(settings) as session:
            for size in sizes:
                seconds = []
                while number < size + measured:
                    texts = [synthetic(chance, number + i) for i in range(batch)]
                    began = time.process_time()
                    keep_documents(session, "m", texts)
                    session.commit()
                    if number >= size:
                        seconds.append((time.process_time() - began) / batch)
                    number += batch
                    session.expunge_all()
                costs.append(sorted(seconds)[len(seconds) // 2])
                print(f"{size:,} texts in the store: {1000 * costs[-1]:.2f} ms of processor time for one more")
    ratio = costs[-1] / costs[0]
    print(f"cost at {sizes[-1]:,} texts over that at {sizes[0]:,}: {ratio:.2f}, ceiling {CEILING_GROWTH}")
    return ratio <= CEILING_GROWTH


def main() -> None:
    """Run what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=362)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=int, nargs=2, metavar=("SMALL", "LARGE"))
    parser.add_argument("--growth", type=int, nargs="+", metavar="TEXTS")
    parser.add_argument("--extract", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--weigh", type=int, nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.growth:
        sys.exit(0 if growth(asked.growth) else 1)
    if not (DATA / "article_extraction").is_dir():
        sys.exit(print(f"{DATA} is absent: nothing is measured"))
    if asked.extract is not None:
        extract(asked.extract)
    elif asked.weigh:
        collect_and_weigh(asked.weigh[1:], asked.weigh[0])
    elif asked.memory:
        sys.exit(0 if memory(asked.memory) else 1)
    else:
        sys.exit(0 if rates(asked.pages, asked.rounds) else 1)


if __name__ == "__main__":
    main()
