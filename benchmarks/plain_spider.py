"""A plain Scrapy spider with trafilatura and SQLAlchemy: what most would write first. Run in an environment of its own.

    python plain_spider.py DATABASE < ADDRESSES

Zero delay, robots.txt obeyed, Scrapy's own concurrency. Prints the pages stored and the seconds from opening to
closing.
"""

import json
import sys
from datetime import UTC, datetime

import scrapy
import trafilatura
from scrapy.crawler import CrawlerProcess
from sqlalchemy import DateTime, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

ENOUGH = 50
"""items in one transaction"""


class Base(DeclarativeBase):
    pass


class Article(Base):
    __tablename__ = "articles"

    address: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str | None]
    date: Mapped[str | None]
    text: Mapped[str]
    fetched_at: Mapped[datetime] = mapped_column(DateTime)


class Articles(scrapy.Spider):
    name = "articles"
    custom_settings = {  # noqa: RUF012 (Scrapy's own protocol)
        "ROBOTSTXT_OBEY": True,
        "DOWNLOAD_DELAY": 0,
        "LOG_LEVEL": "ERROR",
        "TELNETCONSOLE_ENABLED": False,
        "ITEM_PIPELINES": {"__main__.Store": 1},
    }

    async def start(self):
        for address in sys.stdin.read().split():
            yield scrapy.Request(address)

    def parse(self, response):
        found = trafilatura.bare_extraction(response.text, url=response.url, with_metadata=True)
        if found is not None and found.text:
            yield {"address": response.url, "title": found.title, "date": found.date, "text": found.text}


class Store:
    def __init__(self):
        engine = create_engine(f"sqlite:///{sys.argv[1]}")
        Base.metadata.create_all(engine)
        self.session = Session(engine)
        self.kept = 0

    def process_item(self, item):
        self.session.merge(Article(**item, fetched_at=datetime.now(UTC).replace(tzinfo=None)))
        self.kept += 1
        if self.kept % ENOUGH == 0:
            self.session.commit()
        return item

    def close_spider(self):
        self.session.commit()
        self.session.close()


if __name__ == "__main__":
    process = CrawlerProcess()
    crawler = process.create_crawler(Articles)
    process.crawl(crawler)
    process.start()
    stats = crawler.stats.get_stats()
    print(json.dumps({"pages": stats.get("item_scraped_count", 0), "seconds": stats["elapsed_time_seconds"]}))
