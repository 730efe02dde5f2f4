"""A JSON array read one entry at a time, so that a large export needs the memory of its largest entry."""

from __future__ import annotations

from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from typing import Any, TextIO

from pipeline.framing.codings.fields import CodingsFileError, no_number

LONGEST_ENTRY = 16_000_000
"""characters"""
_PART = 1 << 18
_DECODER = JSONDecoder(parse_constant=no_number)
_BLANK = " \t\r\n"


def entries(lines: TextIO, what: str) -> Iterator[Any]:
    """The entries of the array. ``what``: what one is called. Raises CodingsFileError where it can't be read on."""
    rest = _Rest(lines)
    if rest.next_sign() != "[":
        raise CodingsFileError("this is no JSON array; it must begin with [")
    rest.take(1)
    number = 0
    while (sign := rest.next_sign()) != "]":
        number += 1
        if number > 1:
            if sign != ",":
                raise CodingsFileError(
                    f"{what} {number}: not JSON (a comma or ] must stand here); the ones before are read"
                )
            rest.take(1)
            rest.next_sign()
        yield rest.entry(f"{what} {number}")


class _Rest:
    """What of the file is not read yet."""

    def __init__(self, lines: TextIO) -> None:
        self._lines, self._text, self._at, self._ended = lines, "", 0, False

    def _more(self, size: int) -> None:
        part = self._lines.read(size)
        self._ended = not part
        self._text, self._at = self._text[self._at :] + part, 0

    def take(self, characters: int) -> None:
        self._at += characters

    def next_sign(self) -> str:
        """The next character that is not blank, left where it is; empty at the end of the file."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _BLANK:
                self._at += 1
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._more(_PART)

    def entry(self, place: str) -> Any:
        """The JSON value that begins here."""
        size = _PART
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except RecursionError:
                raise CodingsFileError(f"{place}: nested too deeply; the ones before are read") from None
            except JSONDecodeError as error:
                if self._ended:
                    raise CodingsFileError(f"{place}: not JSON ({error.msg}); the ones before are read") from None
            except ValueError as error:
                raise CodingsFileError(f"{place}: {error}; the ones before are read") from None
            else:
                # a number may go on in the next part of the file; everything else has its own end
                if end < len(self._text) or self._ended or isinstance(value, dict | list | str):
                    self._at = end
                    return value
            if len(self._text) - self._at > LONGEST_ENTRY:
                raise CodingsFileError(
                    f"{place}: not JSON, or longer than {LONGEST_ENTRY:,} characters; the ones before are read"
                )
            self._more(size)
            size *= 2
