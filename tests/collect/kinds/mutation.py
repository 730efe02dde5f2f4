"""Files with faults that nobody thought of."""

from __future__ import annotations

import random


def mutated(seed: int, whole: bytes) -> bytes:
    """The file with some of its bytes changed, cut out, doubled or put elsewhere."""
    chance = random.Random(seed)  # noqa: S311 (the same file for the same seed is what is wanted)
    body = bytearray(whole)
    for _ in range(chance.randint(1, 12)):
        at, length = chance.randrange(len(body) or 1), chance.randint(1, 40)
        piece = bytes(body[at : at + length])
        match chance.randrange(5):
            case 0:
                body[at : at + length] = chance.randbytes(chance.randint(0, 8))
            case 1:
                del body[at : at + length]
            case 2:
                body[at:at] = piece * chance.randint(1, 50)
            case 3:
                body[at:at] = chance.choice(
                    [b"<", b">", b"&", b"\x00", b"]]>", b"<![CDATA[", b"<!--", b"<url>", b"\xff"]
                )
            case 4:
                del body[at:]
    return bytes(body)
