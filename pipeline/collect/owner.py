"""Names for the processes that lease hosts, and whether a process that has such a name still runs.

Only a process of this very machine can be known to be gone. A machine is told by its name, by its boot and by its space
of process numbers, so that two containers with one host name are two machines.
"""

from __future__ import annotations

import hashlib
import os
import socket
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

_PROC = Path("/proc")


@lru_cache(maxsize=1)
def _machine() -> str:
    """This machine in letters and digits; empty where it can't be told from others (no Linux)."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        space = os.readlink(_PROC / "self/ns/pid")
    except OSError:
        return ""
    return hashlib.sha256(f"{socket.gethostname()} {boot} {space}".encode()).hexdigest()[:16]


def _status(pid: int) -> tuple[str, str] | None:
    """State and time of start (in ticks since the boot) of a process; null when they can't be read."""
    try:
        # the second field is the program's name in brackets, and may hold anything
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], fields[19]


def new_owner() -> str:
    """A name for leases of this process: host name, number, machine, time of start, and something of its own."""
    status = _status(os.getpid())
    name = socket.gethostname()[:30].replace(" ", "-")
    return f"{name} {os.getpid()} {_machine() or '-'} {status[1] if status else '-'} {uuid4().hex[:8]}"


def is_gone(owner: str) -> bool:
    """Whether the process that made this name has surely ended. Where that can't be known: false."""
    parts = owner.split(" ")
    if len(parts) != 5 or not parts[1].isdecimal():
        return False
    pid, machine, started = int(parts[1]), parts[2], parts[3]
    if not _machine() or machine != _machine():
        return False
    try:
        os.kill(pid, 0)  # sends nothing; asks whether there is such a process
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it is another user's
    status = _status(pid)
    if status is None:
        return False
    # a zombie is dead and only waits for its parent; another time of start is another process with the old number
    return status[0] in {"Z", "X"} or status[1] != started
