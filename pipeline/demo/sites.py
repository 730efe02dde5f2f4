"""The demo world as web pages: what each path of each site answers. No sockets here."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from email.utils import format_datetime
from xml.sax.saxutils import escape

from jinja2 import Environment, PackageLoader

from pipeline.demo.world import Post, Site, Truth

PER_PAGE = 15
"""posts on one page of a listing"""
WRONG_DATE = "2041-05-05T08:00:00+00:00"
RTL = {"ar", "fa", "ps", "ur"}

_templates = Environment(loader=PackageLoader("pipeline.demo"), autoescape=True, trim_blocks=True, lstrip_blocks=True)

_OPPOSITES = {
    "nationalist": ["universalist"],
    "universalist": ["nationalist"],
    "both": ["neither"],
    "neither": ["nationalist", "universalist"],
}


@dataclass(frozen=True)
class Answer:
    """What a path answers."""

    body: bytes
    content_type: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def _moment(post: Post) -> datetime:
    # a stable hour of the day, so that no two runs differ
    return datetime.combine(post.day, time(6 + sum(map(ord, post.id)) % 14, 30), tzinfo=UTC)


@dataclass
class SitePages:
    """The pages of one site."""

    site: Site
    posts: list[Post]
    """the site's posts, the oldest first"""
    address: str
    """http://host:port"""
    framings: dict[str, Truth]
    comments: dict[str, list[str]]

    def answer(self, path: str, query: str = "") -> Answer:
        """The answer to a GET of ``path``."""
        if path == "/robots.txt":
            return self._robots()
        if path in {"/feed.xml", "/atom.xml", "/sitemap.xml", "/sitemap-posts.xml.gz"}:
            return self._machine_readable(path)
        if path in {"/", "/archive"}:
            return self._listing(query)
        for post in self.posts:
            if post.path == path:
                return self._post(post)
        return Answer(b"<html><body><h1>Not found</h1></body></html>", "text/html; charset=utf-8", status=404)

    def _robots(self) -> Answer:
        lines = ["User-agent: *", "Disallow: /private/"]
        if self.site.crawl_delay is not None:
            lines.append(f"Crawl-delay: {self.site.crawl_delay}")
        if self.site.discovery == "sitemap":
            lines.append(f"Sitemap: {self.address}/sitemap.xml")
        return Answer("\n".join([*lines, ""]).encode(), "text/plain; charset=utf-8")

    def _machine_readable(self, path: str) -> Answer:
        newest_first = self.posts[::-1]
        if path == "/feed.xml" and self.site.discovery == "feed":
            items = "".join(
                f"<item><title>{escape(p.title)}</title><link>{self.address}{p.path}</link>"
                f"<guid>{self.address}{p.path}</guid><pubDate>{format_datetime(_moment(p))}</pubDate>"
                f"<description>{escape(p.paragraphs[0][:120])}…</description></item>"
                for p in newest_first
            )
            body = f'<rss version="2.0"><channel><title>{escape(self.site.title)}</title><link>{self.address}/</link>'
            body += f"<description>All posts</description>{items}</channel></rss>"
            return Answer(body.encode(), "application/rss+xml; charset=utf-8")
        if path == "/atom.xml" and self.site.discovery == "atom":
            entries = "".join(
                f'<entry><title>{escape(p.title)}</title><link href="{p.path}"/><id>{self.address}{p.path}</id>'
                f"<published>{_moment(p).isoformat()}</published><updated>{_moment(p).isoformat()}</updated></entry>"
                for p in newest_first
            )
            body = f'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="{self.address}/"><title>'
            body += f"{escape(self.site.title)}</title><id>{self.address}/</id>{entries}</feed>"
            return Answer(body.encode(), "application/atom+xml; charset=utf-8")
        namespace = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
        if path == "/sitemap.xml" and self.site.discovery == "sitemap":
            body = f"<sitemapindex {namespace}><sitemap><loc>{self.address}/sitemap-posts.xml.gz</loc></sitemap>"
            return Answer(f"{body}</sitemapindex>".encode(), "application/xml")
        if path == "/sitemap-posts.xml.gz" and self.site.discovery == "sitemap":
            urls = "".join(
                f"<url><loc>{self.address}{p.path}</loc><lastmod>{p.day.isoformat()}</lastmod></url>"
                for p in newest_first
            )
            packed = gzip.compress(f"<urlset {namespace}>{urls}</urlset>".encode(), mtime=0)
            return Answer(packed, "application/gzip")
        return Answer(b"not here", "text/plain; charset=utf-8", status=404)

    def _listing(self, query: str) -> Answer:
        number = int(query.removeprefix("page=")) if query.removeprefix("page=").isdigit() else 1
        newest_first = self.posts[::-1]
        shown = newest_first[(number - 1) * PER_PAGE : number * PER_PAGE]
        page = _templates.get_template("listing.html").render(
            site=self.site,
            posts=shown,
            number=number,
            more=number * PER_PAGE < len(newest_first),
            direction="rtl" if shown and shown[0].language in RTL else "ltr",
        )
        return Answer(page.encode(), "text/html; charset=utf-8")

    def _contradictions(self, post: Post) -> list[str]:
        framing = self.framings[post.repost_of or post.id].framing
        choice = [text for value in _OPPOSITES[framing] for text in self.comments[value]]
        first = sum(map(ord, post.id)) % len(choice)
        return [choice[first], choice[(first + 1) % len(choice)], choice[(first + 3) % len(choice)]]

    def _post(self, post: Post) -> Answer:
        published = WRONG_DATE if post.quirk == "wrong-date" else _moment(post).isoformat()
        legacy = post.quirk == "legacy-encoding"
        at = self.posts.index(post)
        page = _templates.get_template(f"{self.site.look}.html").render(
            site=self.site,
            post=post,
            address=self.address + post.path,
            published=published,
            json_ld=json.dumps(
                {
                    "@context": "https://schema.org",
                    "@type": "Article",
                    "headline": post.title,
                    "datePublished": published,
                    "author": {"@type": "Organization", "name": self.site.title},
                }
            ),
            charset="windows-1256" if legacy else "utf-8",
            direction="rtl" if post.language in RTL else "ltr",
            comments=self._contradictions(post) if self.site.comments else [],
            others=[other for other in self.posts[max(0, at - 3) : at + 4] if other is not post],
        )
        if legacy:
            # as old servers do it: no charset in the header, only in the page
            return Answer(page.encode("windows-1256", errors="xmlcharrefreplace"), "text/html")
        return Answer(page.encode(), "text/html; charset=utf-8")
