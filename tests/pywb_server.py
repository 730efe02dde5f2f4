"""A real pywb server with archives of a test's own making.

pywb's pins clash with ours, so it runs in an environment of its own below ``build/``, which this makes:

    python -m tests.pywb_server
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from tests.ports import free_ports

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = Path(__file__).with_name("pywb_requirements.txt")
START_SECONDS = 60


def environment() -> Path:
    """Folder of the environment; another one when a pin or the interpreter changes."""
    pins = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    return ROOT / "build" / f"pywb-{sys.version_info.major}.{sys.version_info.minor}-{pins}"


def is_installed() -> bool:
    return (environment() / "installed").exists()


def install() -> None:
    """Make the environment, unless it is there."""
    folder = environment()
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / "pywb.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_installed():
            return
        shutil.rmtree(folder, ignore_errors=True)
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
        command = [uv, "pip", "install", "--quiet", "--compile-bytecode", "-r", str(REQUIREMENTS)]
        subprocess.run(command, check=True, env={**os.environ, "VIRTUAL_ENV": str(folder)})
        (folder / "installed").touch()


@dataclass(frozen=True)
class Seen:
    """One capture: what a crawler saw at an address, and when."""

    address: str
    time: str
    """14 digits"""
    body: bytes = b""
    status: str = "200 OK"
    type: str | None = "text/html"
    headers: tuple[tuple[str, str], ...] = ()
    same_as: Seen | None = None
    """a revisit: the body is that of another capture"""


def _date(digits: str) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.strptime(digits, "%Y%m%d%H%M%S"))


def write_warc(path: Path, captures: Sequence[Seen]) -> None:
    """A WARC file of these captures."""
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=True)
        digests: dict[Seen, str] = {}
        for one in captures:
            typed = [("Content-Type", one.type)] if one.type is not None else []
            headers = [*typed, *one.headers, ("Content-Length", str(len((one.same_as or one).body)))]
            http = StatusAndHeaders(one.status, headers, protocol="HTTP/1.1")
            dated = {"WARC-Date": _date(one.time)}
            if one.same_as is not None:
                record = writer.create_revisit_record(
                    one.address,
                    digest=digests[one.same_as],
                    refers_to_uri=one.same_as.address,
                    refers_to_date=_date(one.same_as.time),
                    http_headers=http,
                    warc_headers_dict=dated,
                )
            else:
                record = writer.create_warc_record(
                    one.address, "response", payload=BytesIO(one.body), http_headers=http, warc_headers_dict=dated
                )
            writer.write_record(record)
            record.raw_stream.close()
            digests[one] = record.rec_headers.get_header("WARC-Payload-Digest")


@dataclass(frozen=True)
class Pywb:
    """A running server."""

    folder: Path
    host_port: str

    def collection(self, name: str, *archives: Path) -> None:
        """Archive files become a collection, which is served at once."""
        inside = self.folder / "collections" / name
        (inside / "archive").mkdir(parents=True)
        (inside / "indexes").mkdir()
        for one in archives:
            shutil.copyfile(one, inside / "archive" / one.name)
        names = [str(inside / "archive" / one.name) for one in archives]
        index = str(inside / "indexes" / "index.cdxj")
        subprocess.run(
            [
                str(environment() / "bin" / "cdx-indexer"),
                *("--sort", "--cdxj", "--dir-root", str(inside / "archive"), "--output", index),
                *names,
            ],
            check=True,
            capture_output=True,
        )

    def fields(self, name: str) -> dict[str, str]:
        """The fields of a wayback source for a collection."""
        return {"cdx": f"http://{self.host_port}/{name}/cdx", "replay": f"http://{self.host_port}/{name}"}


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):  # noqa: S310 (our own server)
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


@contextmanager
def running(folder: Path) -> Iterator[Pywb]:
    """Start a server with no collections. Skips the test where it is not installed."""
    if not is_installed():
        pytest.skip("pywb is not installed: make pywb")
    (folder / "collections").mkdir(parents=True)
    (folder / "config.yaml").write_text("collections_root: collections\n")
    port = free_ports(1)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                str(environment() / "bin" / "wayback"),
                "--port",
                str(port),
                "--bind",
                "127.0.0.1",
                "--directory",
                str(folder),
            ],
            stdout=log,
            stderr=log,
            cwd=folder,
        )
        try:
            _wait(lambda: _answers(f"http://127.0.0.1:{port}/"), process, folder / "log")
            yield Pywb(folder, f"127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait()


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"pywb has not started:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


if __name__ == "__main__":
    install()
    sys.stdout.write(f"pywb is installed in {environment()}\n")
