"""How long a feed of 10,000 entries takes, and how much memory, beside feedparser as it comes.

    python -m benchmarks.feeds

Each reader runs in a process of its own, so that peak memory is its own. Ends with 1 when ours is slower than
feedparser as it comes, or takes more memory than six times the feed.
"""

from __future__ import annotations

import json
import subprocess
import sys

ENTRIES = 10_000
WORDS = 200
_RUN = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
from io import BytesIO
import feedparser
from benchmarks.feeds import body
from pipeline.extract.feed import parse
made = body()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.process_time()
if sys.argv[1] == "ours":
    count = len(parse(made, address="http://a.example/feed", content_type=None).entries)
else:
    headers = {"content-location": "http://a.example/feed", "content-type": "application/xml"}
    count = len(feedparser.parse(BytesIO(made), response_headers=headers).entries)
seconds = time.process_time() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps({"count": count, "seconds": seconds, "megabytes": peak / 1000}))
"""


def body() -> bytes:
    """An RSS feed of many entries with full texts."""
    text = " ".join(f"word{i}" for i in range(WORDS))
    items = "".join(
        f"<item><title>Letter {i}</title><link>http://a.example/{i}</link><guid>{i}</guid>"
        f"<pubDate>Mon, 05 Oct 2009 0{i % 10}:00:00 GMT</pubDate>"
        f'<description>&lt;p&gt;{text} &lt;a href="/x"&gt;x&lt;/a&gt;&lt;/p&gt;</description></item>'
        for i in range(ENTRIES)
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Letters</title>{items}</channel></rss>'.encode()


def measured(reader: str) -> dict[str, float]:
    """Entries, seconds of processor time and megabytes above what the process had before."""
    answer = subprocess.run([sys.executable, "-c", _RUN, reader], capture_output=True, text=True, check=True)
    return dict(json.loads(answer.stdout))


def main() -> int:
    found = {reader: measured(reader) for reader in ("ours", "feedparser")}
    print(f"a feed of {ENTRIES:,} entries of {WORDS} words ({len(body()) / 1e6:.0f} MB)")
    print(f"{'reader':12} {'entries':>8} {'seconds':>8} {'entries/s':>10} {'MB':>6}")
    for reader, one in found.items():
        rate = one["count"] / one["seconds"]
        print(f"{reader:12} {one['count']:8,} {one['seconds']:8.2f} {rate:10,.0f} {one['megabytes']:6.0f}")
    ours, theirs = found["ours"], found["feedparser"]
    good = (
        ours["count"] == theirs["count"] == ENTRIES
        and ours["seconds"] <= theirs["seconds"]
        and ours["megabytes"] <= 6 * len(body()) / 1e6
    )
    if not good:
        print("below the floor: no slower than feedparser, at most six times the feed in memory")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
