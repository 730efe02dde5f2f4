"""A PostgreSQL server of our own, that can be stopped in the middle and started again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql


def programs() -> Path | None:
    """Where the server's programs lie; null where it is not installed."""
    found = shutil.which("pg_ctl") or next(map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))), None)
    return Path(found).parent if found else None


class Postgres:
    """A server on loopback, started at once; for ``with``. Its data go with it."""

    def __init__(self, *, durable: bool = True, buffers: str | None = None) -> None:
        """``durable``: false where nothing but speed counts, since no crash is part of what is tried. ``buffers``: its
        ``shared_buffers``, such as 4GB; None: as it ships, 128MB."""
        where = programs()
        if where is None:
            raise FileNotFoundError("no PostgreSQL server found: install Debian's package postgresql")
        # not in a test's own folder: the server's user could not get there
        self._programs, self._folder = where, Path(tempfile.mkdtemp(prefix="riftwatch-postgres-"))
        # PostgreSQL refuses to run as root
        self._user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._user:
            shutil.chown(self._folder, "postgres")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._durable, self._buffers = durable, buffers
        self._run("initdb", "-U", "postgres", "-A", "trust", "--no-sync")
        self.start()

    def _run(self, program: str, *more: str) -> None:
        command = [*self._user, str(self._programs / program), "-D", str(self._folder / "data"), *more]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        options += "" if self._durable else " -c fsync=off"
        options += f" -c shared_buffers={self._buffers}" if self._buffers else ""
        self._run("pg_ctl", "-o", options, "-l", str(self._folder / "log"), "-w", "start")

    def stop(self) -> None:
        """As if its machine were switched off."""
        self._run("pg_ctl", "-m", "immediate", "-w", "stop")

    def new_database(self, name: str, *, like: str | None = None) -> str:
        """Address of a new database: empty, or a copy of the one of the name ``like``."""
        server = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        with psycopg.connect(server, autocommit=True) as connection:
            copied = sql.SQL(" TEMPLATE {}").format(sql.Identifier(like)) if like else sql.SQL("")
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + copied)
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def __enter__(self) -> Postgres:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
