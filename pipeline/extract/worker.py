"""The loop of an extraction process: pages come in on standard input, what was made of them goes out.

    python -P -m pipeline.extract.worker

Both ways carry frames: the lengths of a JSON header and of a body (two unsigned 32-bit numbers, big-endian), then the
two. The worker says ``{}`` when it is ready, answers in the order of the questions, and ends when its input does, in
the middle of a page too: so none outlives the process that started it. A page that takes too long ends the worker by
SIGALRM, one that takes too much memory by the status ``OUT_OF_MEMORY``; whoever started it tells the two apart by that.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import queue
import resource
import signal
import struct
import sys
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from io import FileIO
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from pipeline.extract.document import Extracted, ExtractError, ExtractionRules

OUT_OF_MEMORY = 77
"""exit status of a worker whose page took more memory than it may"""
_NO_RULES = ExtractionRules()
_LENGTHS = struct.Struct(">II")
_NEARLY = 0.9
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True)
class Page:
    """What :func:`pipeline.extract.page.extract_page` is given, with the body apart."""

    address: str
    body: bytes
    content_type: str | None
    now: datetime
    hints: Mapping[str, Any] = field(default_factory=dict)
    rules: ExtractionRules = _NO_RULES


@dataclass(frozen=True)
class Text:
    """What :func:`pipeline.extract.page.extract_text` is given."""

    address: str
    text: str
    title: str | None
    now: datetime
    hints: Mapping[str, Any] = field(default_factory=dict)
    rules: ExtractionRules = _NO_RULES


@dataclass(frozen=True)
class Read:
    """What extraction made of something: a text, or why there is none."""

    text: Extracted | None
    problem: str | None
    bands: tuple[int, ...] = ()
    """of the text's MinHash signature, as :func:`pipeline.extract.similarity.bands` makes them; none without words"""


@dataclass(frozen=True)
class Limits:
    """What one page may take."""

    seconds: float
    memory: int
    """bytes of address space of the whole process"""


# Frames


def _whole(stream: FileIO, size: int) -> bytearray | None:
    """Exactly ``size`` bytes; null when the other side is gone before."""
    taken = bytearray(size)
    rest = memoryview(taken)
    while rest:
        came = stream.readinto(rest)
        if not came:
            return None
        rest = rest[came:]
    return taken


def write_frame(stream: FileIO, header: Mapping[str, Any], body: bytes = b"") -> None:
    """Write one frame. The header goes as ASCII, so that no stray surrogate stands in its way."""
    head = json.dumps(header).encode("ascii")
    for part in (_LENGTHS.pack(len(head), len(body)) + head, body):
        rest = memoryview(part)
        while rest:
            rest = rest[stream.write(rest) :]


def read_frame(stream: FileIO) -> tuple[dict[str, Any], bytes] | None:
    """The next frame; null when the other side is gone, in the middle of a frame too."""
    lengths = _whole(stream, _LENGTHS.size)
    if lengths is None:
        return None
    sizes = _LENGTHS.unpack(lengths)
    head = _whole(stream, sizes[0])
    body = _whole(stream, sizes[1]) if head is not None else None
    return None if head is None or body is None else (json.loads(head), bytes(body))


@lru_cache(maxsize=1)
def _extracted() -> TypeAdapter[Extracted]:
    return TypeAdapter(Extracted)


@lru_cache(maxsize=1)
def _rules() -> TypeAdapter[ExtractionRules]:
    return TypeAdapter(ExtractionRules)


def ask(stream: FileIO, what: Page | Text, limits: Limits) -> None:
    """Send a page or a text to a worker."""
    header: dict[str, Any] = {
        "address": what.address,
        "now": what.now.isoformat(),
        "hints": what.hints,
        "rules": _rules().dump_python(what.rules, mode="json"),
        "seconds": limits.seconds,
        "memory": limits.memory,
    }
    if isinstance(what, Page):
        write_frame(stream, {**header, "content_type": what.content_type}, what.body)
    else:
        write_frame(stream, {**header, "title": what.title}, what.text.encode("utf-8", "surrogatepass"))


def answer(stream: FileIO) -> Read | None:
    """A worker's next answer; null when it has ended."""
    frame = read_frame(stream)
    if frame is None:
        return None
    header, _ = frame
    text = _extracted().validate_python(header["text"]) if header["text"] is not None else None
    return Read(text, header["problem"], tuple(header["bands"]))


# In the worker


def read(header: Mapping[str, Any], body: bytes) -> Read:
    """Make a text of what was sent. MemoryError is the only error raised."""
    from pipeline.extract.page import extract_page, extract_text
    from pipeline.extract.similarity import bands, shingles, signature

    common = {
        "address": header["address"],
        "hints": header["hints"],
        "rules": _rules().validate_python(header["rules"]),
        "now": datetime.fromisoformat(header["now"]),
    }
    try:
        if "title" in header:
            made = extract_text(body.decode("utf-8", "surrogatepass"), title=header["title"], **common)
        else:
            made = extract_page(body, content_type=header["content_type"], **common)
        grams = shingles(made.text)
        return Read(made, None, bands(signature(grams)) if grams else ())
    except ExtractError as error:
        return Read(None, error.reason)
    except MemoryError:
        raise
    except Exception as error:  # a page that breaks a library must not cost another; its bytes are kept
        return Read(None, f"extraction failed: {type(error).__name__}: {error}"[:300])


def _limit(seconds: float, memory: int) -> None:
    """Limit what comes next; the signal's default action ends the process, whatever a library is doing."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory if hard == resource.RLIM_INFINITY else min(memory, hard), hard))
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _short_of_memory(memory: int) -> bool:
    """Whether this process has come near its limit; libxml2 takes a page for empty when it can't get more."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmPeak:"):
            return int(line.split()[1]) * 1024 > _NEARLY * memory
    return False


def _die_with_the_parent() -> None:
    """Have the kernel end this process with the thread that started it: a library may keep the loop from looking."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _take_in(stream: FileIO, waiting: queue.SimpleQueue[tuple[dict[str, Any], bytes]]) -> None:
    """In a thread: read ahead, so that the next page is there when this one is done."""
    try:
        while (frame := read_frame(stream)) is not None:
            waiting.put(frame)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    os._exit(0)


def main() -> None:
    """Answer until the input ends."""
    _die_with_the_parent()
    # what a library prints must not get between the frames
    out = FileIO(os.dup(1), "w")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    # what is wrong with a page is said by its answer
    logging.getLogger().addHandler(logging.NullHandler())
    warnings.simplefilter("ignore")
    import pipeline.extract.page
    import pipeline.extract.similarity

    pipeline.extract.page.extract_text("ready", address="", now=datetime.now().astimezone())
    pipeline.extract.similarity.signature(frozenset({"ready"}))
    waiting: queue.SimpleQueue[tuple[dict[str, Any], bytes]] = queue.SimpleQueue()
    threading.Thread(target=_take_in, args=(FileIO(0), waiting), daemon=True).start()
    write_frame(out, {})
    while True:
        header, body = waiting.get()
        _limit(header["seconds"], header["memory"])
        try:
            made = read(header, body)
            if made.text is None and _short_of_memory(header["memory"]):
                raise MemoryError
            reply = {
                "text": None if made.text is None else _extracted().dump_python(made.text, mode="json"),
                "problem": made.problem,
                "bands": made.bands,
            }
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        signal.setitimer(signal.ITIMER_REAL, 0)
        write_frame(out, reply)


if __name__ == "__main__":
    main()
