"""Starts Riftwatch on this machine: the demo world, Airflow with our DAGs, and the way to see it work.

One process a person can stop: Ctrl-C ends Airflow and everything it started.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from pipeline.environment import ForeignPackageError, refuse_foreign_packages
from pipeline.settings import PROJECT_ROOT, Settings

if TYPE_CHECKING:
    from pipeline.store.tables import Run

Say = Callable[[str], object]

START_SECONDS = 180.0
STOP_SECONDS = 25.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NEEDED_BYTES = 300_000_000
"""free space Airflow's database, logs and the demo's archive need"""
USER = "admin"


class UpError(RuntimeError):
    """Riftwatch can't start; says in one sentence why and what to do."""


def up(settings: Settings, *, port: int, demo: bool, say: Say) -> None:
    """Start everything, tell what happens, and return when Airflow has ended or Ctrl-C was pressed.

    Raises :class:`UpError` when a port is taken, the disk is full or Airflow ends by itself.
    """
    try:
        refuse_foreign_packages()
    except ForeignPackageError as error:
        raise UpError(str(error)) from error
    _require_space(settings.data)
    _require_free_port(
        port, "Airflow's pages", "choose another with RIFTWATCH_PORT, as in: make run RIFTWATCH_PORT=8090"
    )
    with ExitStack() as stack:
        stack.enter_context(_stop_signals())
        settings = _for_the_demo(settings) if demo else settings
        try:
            if demo:
                stack.enter_context(_demo_world(settings, say))
            password = _password(settings)
            airflow = stack.enter_context(_airflow(settings, port, say))
            _wait_until_healthy(airflow, settings, port, say)
            say(
                f"\n  Riftwatch:  http://127.0.0.1:{port}/  (side bar: Riftwatch)\n"
                f"  user:       {USER}\n  password:   {password}\n"
            )
            say("Airflow's scheduler now collects, frames and measures. Ctrl-C stops everything.")
            _watch(airflow, settings, port, say, _demo_coder(settings, port, say) if demo else None)
        except KeyboardInterrupt:
            say("\nStopping ...")
    say("Stopped. What was collected is kept; `make run` goes on with it.")


@contextmanager
def _stop_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP stop us as Ctrl-C does; a shell that starts us in the background must not mute Ctrl-C."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = {n: signal.signal(n, interrupt) for n in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _require_space(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise UpError(
            f"the disk is full: {folder} has {free / 1e6:.0f} MB left and {NEEDED_BYTES / 1e6:.0f} MB are needed; "
            "make room, or set RIFTWATCH_DATA to a folder on another disk"
        )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _require_free_port(port: int, use: str, mend: str) -> None:
    if not _is_free(port):
        raise UpError(f"port {port} for {use} is in use; {mend}")


def _any_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _demo_world(settings: Settings, say: Say) -> Iterator[None]:
    from pipeline.demo.server import PortInUseError, serve
    from pipeline.demo.world import DEMO_FOLDER, DEMO_MONITOR
    from pipeline.framing.codings import import_codings
    from pipeline.monitor import load_monitor

    try:
        with serve() as world:
            say(f"The demo world: {len(world.addresses)} web sites, the first at {world.addresses['kestrel-news']}/")
            monitor = load_monitor(DEMO_MONITOR)
            for file in ("audit_codings.csv", "criticism_codings.csv", "training_codings.csv"):
                say(import_codings(settings, monitor, DEMO_FOLDER / file).sentence())
            yield
    except PortInUseError as error:
        raise UpError(str(error)) from error


def _for_the_demo(settings: Settings) -> Settings:
    """More codings for an alarm than a person would like, where nobody set how many: a simulated coder gives them."""
    from pipeline.demo.answering import PLANNED

    if "confirm_codings" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"confirm_codings": PLANNED})


def _demo_coder(settings: Settings, port: int, say: Say) -> Callable[[Sequence[Run]], None]:
    """What the demo does once its texts are measured: a simulated coder answers what the alarms ask, as a person would.

    The product's own jobs never do this. What is coded is measured again at once, not at the next full hour.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from pipeline.demo.answering import CODER, LEAVE, answer_confirmations, measured_in_full, queues_to_answer
    from pipeline.demo.world import DEMO_MONITOR
    from pipeline.framing.labelling import LabellingError
    from pipeline.monitor import load_monitor

    monitor = load_monitor(DEMO_MONITOR)
    sources = [source.id for source in monitor.sources]

    def look(runs: Sequence[Run]) -> None:
        mine = [run for run in runs if run.monitor == monitor.name]
        if not measured_in_full(mine, sources):
            return
        try:
            if not queues_to_answer(settings, monitor):
                return
            coded = answer_confirmations(settings, monitor)
        except (LabellingError, SQLAlchemyError, KeyError) as error:  # a visitor's demo must not end for it
            say(f"The simulated coder stopped ({error}); it goes on after the next run")
            return
        say(
            f"A simulated coder ({CODER!r}) has coded {coded} texts that alarms asked for, and left {LEAVE} of each "
            "alarm to you: Label, on the Riftwatch pages. Now they are measured again."
        )
        _measure_now(settings, port, say)

    return look


def _measure_now(settings: Settings, port: int, say: Say) -> None:
    """Ask Airflow for a run of `measure`, as its button does."""
    try:
        who = {"username": USER, "password": _password(settings)}
        token = json.loads(_post(port, "/auth/token", who))["access_token"]
        _post(port, "/api/v2/dags/measure/dagRuns", {"logical_date": None}, token)
    except (OSError, ValueError, KeyError) as error:
        say(f"Airflow did not take a run of measure ({error}); it measures within the hour by itself")


def _post(port: int, path: str, body: object, token: str = "") -> bytes:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=json.dumps(body).encode(), method="POST")
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with _direct.open(request, timeout=30) as answer:
        return bytes(answer.read())


def airflow_home(settings: Settings) -> Path:
    """Airflow's own folder: its database, logs and password file."""
    return settings.data / "airflow"


def _password_file(settings: Settings) -> Path:
    return airflow_home(settings) / "passwords.json"


def _password(settings: Settings) -> str:
    """The password of :data:`USER`, made at the first start and kept in a file only its owner can read."""
    file = _password_file(settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump({USER: secrets.token_urlsafe(9)}, out)
    return str(json.loads(file.read_text())[USER])


def airflow_environment(settings: Settings, port: int) -> dict[str, str]:
    """The environment in which Airflow runs our DAGs and pages on this machine."""
    base = f"http://127.0.0.1:{port}"
    return {
        **os.environ,
        # standalone starts its parts as `airflow ...`: that of this environment, activated or not
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        # Airflow's own parts talk to each other on this machine, past any proxy
        **{
            name: ",".join(filter(None, [os.environ.get(name), "127.0.0.1,localhost"]))
            for name in ("NO_PROXY", "no_proxy")
        },
        "RIFTWATCH_DATA": str(settings.data.resolve()),
        "RIFTWATCH_DATABASE_URL": settings.database_url,
        "RIFTWATCH_MONITORS": str(settings.monitors.resolve()),
        "RIFTWATCH_CONFIRM_CODINGS": str(settings.confirm_codings),
        "AIRFLOW_HOME": str(airflow_home(settings).resolve()),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT_ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "3",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{base}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_password_file(settings).resolve()),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": base,
        # one web worker is enough for one reader, and halves start-up
        "AIRFLOW__API__WORKERS": "1",
        # Airflow's log servers listen on all addresses and only their ports can be set
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(_any_free_port()),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(_any_free_port()),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        # asset events wake `frame` and `measure` at the scheduler's pace
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "1",
    }


@contextmanager
def _airflow(settings: Settings, port: int, say: Say) -> Iterator[subprocess.Popen[bytes]]:
    log = airflow_home(settings) / "standalone.log"
    say(f"Airflow is starting; its log: {log}")
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", "standalone"],
            env=airflow_environment(settings, port),
            cwd=airflow_home(settings),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            # Ctrl-C in the terminal reaches us only; we stop Airflow in the one way that works
            start_new_session=True,
        )
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End Airflow and all it started. It heeds SIGINT; SIGTERM would leave its parts behind."""
    with _muted():
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        family = []
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, left = psutil.wait_procs(family, timeout=3)
    for child in left:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(left, timeout=3)


@contextmanager
def _muted() -> Iterator[None]:
    """A second Ctrl-C, or a terminal that closes, while stopping would leave processes behind."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Airflow stands on this machine: a proxy of the environment has no part in it."""


def _healthy(port: int) -> bool:
    try:
        with _direct.open(f"http://127.0.0.1:{port}/api/v2/monitor/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _require_running(process: subprocess.Popen[bytes], settings: Settings) -> None:
    if process.poll() is not None:
        log = airflow_home(settings) / "standalone.log"
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
        raise UpError(f"Airflow ended by itself (exit code {process.returncode}); the end of {log}:\n{tail}")


def _wait_until_healthy(process: subprocess.Popen[bytes], settings: Settings, port: int, say: Say) -> None:
    began = time.monotonic()
    told = 0.0
    while not _healthy(port):
        _require_running(process, settings)
        waited = time.monotonic() - began
        if waited > START_SECONDS:
            raise UpError(
                f"Airflow did not start in {START_SECONDS:.0f} s; see {airflow_home(settings)}/standalone.log"
            )
        if waited - told >= 10:
            told = waited
            say(f"  ... {waited:.0f} s (a first start makes Airflow's database)")
        time.sleep(0.5)


def _watch(
    process: subprocess.Popen[bytes],
    settings: Settings,
    port: int,
    say: Say,
    coder: Callable[[Sequence[Run]], None] | None,
) -> None:
    """Tell each finished run in a sentence, and once that the trend table is filled; let ``coder`` look at the runs."""
    from pipeline.store.runs import runs_after
    from pipeline.store.session import open_session
    from pipeline.store.trends import measured_dyads

    with open_session(settings) as session:
        newest = max((run.id for run in runs_after(session, 0)), default=0)
        filled = False
        while True:
            _require_running(process, settings)
            ended = runs_after(session, newest)
            for run in ended:
                newest = run.id
                where = " ".join(filter(None, (run.monitor, run.source)))
                say(f"  {where}: {run.sentence}" if where else f"  {run.sentence}")
            if not filled and (dyads := measured_dyads(session)):
                filled = True
                say(f"The trend table is filled ({', '.join(dyads)}): http://127.0.0.1:{port}/plugin/rift")
            runs = runs_after(session, 0) if coder is not None and ended else []
            session.expunge_all()
            session.rollback()  # ends the read, so that the next look sees new rows
            if coder is not None and runs:
                coder(runs)
            time.sleep(1)
