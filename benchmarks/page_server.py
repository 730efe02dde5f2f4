"""Serves pages from memory on several ports of loopback, at next to no cost: `python -m benchmarks.page_server N`.

Says its ports in one line of JSON when it is ready, and ends with its standard input. Page ``i`` of the data set
(counted round) is at ``/<i>`` of every port; ``/map/<from>-<to>.txt`` is a sitemap of the port's share: every Nth.
"""

from __future__ import annotations

import asyncio
import json
import sys

from benchmarks.extraction import DATA, pages

HOST = "127.0.0.1"


def _answer(body: bytes, kind: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


class _Pages(asyncio.Protocol):
    """One connection; requests come one at a time and have no body."""

    def __init__(self, answers: list[bytes], number: int, ports: list[int]) -> None:
        self._answers, self._number, self._ports = answers, number, ports
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while b"\r\n\r\n" in self._waiting:
            head, _, self._waiting = self._waiting.partition(b"\r\n\r\n")
            self._transport.write(self._answer(head.split(b" ", 2)[1].decode().lstrip("/")))

    def _answer(self, path: str) -> bytes:
        if path.isdecimal():
            return self._answers[int(path) % len(self._answers)]
        if path.startswith("map/"):
            first, _, last = path.removeprefix("map/").removesuffix(".txt").partition("-")
            share = range(int(first) + self._number, int(last), len(self._ports))
            port = self._ports[self._number]
            return _answer("".join(f"http://{HOST}:{port}/{i}\n" for i in share).encode(), "text/plain")
        return b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"


async def _serve(count: int) -> None:
    answers = [_answer(body, "text/html") for _, _, body in pages(DATA / "article_extraction")]
    loop = asyncio.get_running_loop()
    ports: list[int] = []
    for number in range(count):
        server = await loop.create_server(lambda number=number: _Pages(answers, number, ports), HOST, 0)
        ports.append(server.sockets[0].getsockname()[1])
    print(json.dumps(ports), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
