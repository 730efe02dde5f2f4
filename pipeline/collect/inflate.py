"""Compressed bodies, unpacked under a limit: a few kilobytes must not become gigabytes in memory."""

from __future__ import annotations

import zlib
from contextlib import suppress

from pipeline.collect.failure import Failure

HARMLESS_BYTES = 100_000
"""Up to this size no growth is too much: a short page of spaces is no attack."""

ACCEPTED = "gzip, deflate"
_STEP = 1 << 20
_PIECE = 1 << 14
"""bytes that are unpacked at once: what is left of them is copied at every step, and a long chunk of empty gzip members
would be copied millions of times"""
_BIT = 1 << 10


class Inflater:
    """Takes a body chunk by chunk and collects it unpacked. Raises a hard :class:`Failure` past a limit.

    ``encoding``: value of Content-Encoding. ``max_bytes``: longest unpacked body. ``max_ratio``: greatest growth.
    """

    def __init__(self, encoding: str, *, max_bytes: int, max_ratio: float) -> None:
        self._steps = [e for e in (e.strip().lower() for e in encoding.split(",")) if e not in {"", "identity"}]
        unknown = [e for e in self._steps if e not in {"gzip", "x-gzip", "deflate"}]
        if unknown or len(self._steps) > 1:
            raise Failure("soft", f"the body is packed as {encoding!r}, which was not asked for")
        self._max_bytes, self._max_ratio = max_bytes, max_ratio
        self._unpacker: zlib._Decompress | None = None
        self._began = self._finished = False
        self._body = bytearray()
        self.packed = 0
        """bytes taken in"""

    def take(self, chunk: bytes) -> None:
        self.packed += len(chunk)
        if self.packed > self._max_bytes:
            raise Failure("hard", f"refused: the body is longer than {self._max_bytes:,} bytes")
        if not self._steps:
            self._body += chunk
            return
        try:
            for start in range(0, len(chunk), _PIECE):
                self._unpack(chunk[start : start + _PIECE])
        except zlib.error as error:
            raise Failure("temporary", f"the packed body is damaged ({error})") from None

    @property
    def size(self) -> int:
        """Bytes unpacked until now."""
        return len(self._body)

    def _unpack(self, chunk: bytes) -> None:
        while chunk and not self._finished:
            if self._unpacker is None:
                self._unpacker = zlib.decompressobj(self._window(chunk))
                self._began = True
            self._body += self._unpacker.decompress(chunk, _STEP)
            self._check()
            if self._unpacker.eof:
                # gzip bodies may be several, one after another; whatever else follows is padding
                chunk, self._unpacker = self._unpacker.unused_data, None
                self._finished = not chunk.startswith(b"\x1f\x8b") and bool(chunk)
            else:
                chunk = self._unpacker.unconsumed_tail

    def _window(self, chunk: bytes) -> int:
        if self._steps[0] != "deflate":
            return zlib.MAX_WBITS | 16
        # RFC 9110: deflate is zlib's form; many servers send the bare stream all the same
        return zlib.MAX_WBITS if chunk[0] & 0x0F == 8 else -zlib.MAX_WBITS

    def _check(self) -> None:
        size = len(self._body)
        if size > self._max_bytes:
            raise Failure("hard", f"refused: the unpacked body is longer than {self._max_bytes:,} bytes")
        if size > HARMLESS_BYTES and size > self._max_ratio * self.packed:
            raise Failure("hard", f"refused: the packed body grows by more than {self._max_ratio:g} times")

    def body(self) -> bytes:
        """All of it. Raises a temporary :class:`Failure` when the end is missing."""
        if self._unpacker is not None and not self._unpacker.eof:
            raise Failure("temporary", "the packed body ended early")
        return bytes(self._body)

    def so_far(self) -> bytes:
        """What was unpacked until now, whether or not an end was seen."""
        return bytes(self._body)


def gunzip(body: bytes, *, max_bytes: int, max_ratio: float) -> bytes:
    """A gzip file's content under the same limits."""
    inflater = Inflater("gzip", max_bytes=max_bytes, max_ratio=max_ratio)
    inflater.take(body)
    return inflater.body()


def gunzip_so_far(body: bytes, *, max_bytes: int, max_ratio: float) -> tuple[bytes, str | None]:
    """A gzip file's content under the same limits; of a damaged one what comes before the damage, and what it is."""
    try:
        return gunzip(body, max_bytes=max_bytes, max_ratio=max_ratio), None
    except Failure as failure:
        if failure.kind != "temporary":
            raise
        damage = failure.reason
    inflater = Inflater("gzip", max_bytes=max_bytes, max_ratio=max_ratio)
    with suppress(Failure):
        for start in range(0, len(body), _BIT):
            # bit by bit: a piece in which the damage lies is lost whole
            inflater.take(body[start : start + _BIT])
    return inflater.so_far(), damage
