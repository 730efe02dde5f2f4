"""Free ports for the servers that tests start."""

from __future__ import annotations

import random
import socket


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> int:
    """The first of ``count`` ports in a row that are free now, below those the system gives out by itself."""
    for _ in range(1000):
        first = random.randrange(10_000, 30_000)  # noqa: S311 (no secret)
        if all(_is_free(first + i) for i in range(count)):
            return first
    raise RuntimeError(f"no {count} free ports in a row were found between 10000 and 30000")
