"""The loop of a process that reads feeds: feeds come in on standard input, their entries go out.

    python -P -m pipeline.extract.feed_worker

Frames are those of :mod:`pipeline.extract.worker`. A feed that takes too long ends the process by SIGALRM, whatever a
library is doing; one that takes too much memory gets no answer either.
"""

from __future__ import annotations

import os
import resource
import signal
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from io import FileIO
from typing import Any

from pipeline.extract.feed import Entry, Feed, NoFeedError, parse
from pipeline.extract.worker import OUT_OF_MEMORY, read_frame, write_frame


def ask(stream: FileIO, body: bytes, *, address: str, content_type: str | None, seconds: float, memory: int) -> None:
    """Send a feed to a worker; ``memory``: bytes of address space of its process."""
    header = {"address": address, "content_type": content_type, "seconds": seconds, "memory": memory}
    write_frame(stream, header, body)


def answer(stream: FileIO) -> Feed | None:
    """A worker's answer; null when the process has ended. Raises :class:`NoFeedError`."""
    frame = read_frame(stream)
    if frame is None:
        return None
    header, _ = frame
    if header["problem"] is not None:
        raise NoFeedError(header["problem"])
    entries = [Entry(**{**one, "dates": tuple(one["dates"])}) for one in header["entries"]]
    return Feed(entries, header["older"], header["title"])


def _read(header: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    try:
        feed = parse(body, address=header["address"], content_type=header["content_type"])
    except NoFeedError as error:
        return {"problem": str(error)}
    return {"problem": None, **asdict(feed)}


def main() -> None:
    """Answer until the input ends."""
    # what a library prints must not get between the frames
    out = FileIO(os.dup(1), "w")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    warnings.simplefilter("ignore")
    source = FileIO(0)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    try:
        while (frame := read_frame(source)) is not None:
            header, body = frame
            memory = header["memory"] if hard == resource.RLIM_INFINITY else min(header["memory"], hard)
            resource.setrlimit(resource.RLIMIT_AS, (memory, hard))
            signal.setitimer(signal.ITIMER_REAL, header["seconds"])
            reply = _read(header, body)
            signal.setitimer(signal.ITIMER_REAL, 0)
            write_frame(out, reply)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


if __name__ == "__main__":
    main()
