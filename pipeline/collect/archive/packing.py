"""Bodies packed with brotli, as browsers are sent them: warcio knows only a library for it that is no longer kept."""

from __future__ import annotations

import brotli
from warcio.bufferedreaders import BufferedReader


class _Unpacker:
    """A brotli stream, in the form that warcio asks of every decompressor."""

    unused_data = b""

    def __init__(self) -> None:
        self._stream = brotli.Decompressor()

    def decompress(self, data: bytes) -> bytes:
        return bytes(self._stream.process(data))


def read_brotli() -> None:
    """Have warcio unpack such bodies; the same call again changes nothing."""
    BufferedReader.DECOMPRESSORS["br"] = _Unpacker
