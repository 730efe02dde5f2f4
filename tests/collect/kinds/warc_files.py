"""WARC files made here, record by record."""

import io

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter


def page(number):
    words = " ".join(
        f"<p>Paragraph {i} of letter {number} about the bread and the salt of the land.</p>" for i in range(5)
    )
    return f"<html><head><title>Letter {number}</title></head><body><article>{words}</article></body></html>".encode()


def made(count, *, gzip=True):
    """A WARC file, and the offset of each record."""
    stream, offsets = io.BytesIO(), []
    writer = WARCWriter(stream, gzip=gzip)
    for number in range(count):
        offsets.append(stream.tell())
        record = writer.create_warc_record(
            f"http://old.example/{number}",
            "response",
            payload=io.BytesIO(page(number)),
            length=len(page(number)),
            http_headers=StatusAndHeaders(
                "200 OK", [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1"
            ),
            warc_headers_dict={"WARC-Date": f"2006-10-{number + 1:02}T00:00:00Z"},
        )
        writer.write_record(record)
    return stream.getvalue(), offsets


def written(*some, gzip=True):
    """A file of records given as (kind, address, body, further headers of the record)."""
    stream = io.BytesIO()
    writer = WARCWriter(stream, gzip=gzip)
    for kind, address, body, headers in some:
        http = StatusAndHeaders("200 OK", [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1")
        record = writer.create_warc_record(
            address,
            kind,
            payload=io.BytesIO(body),
            length=len(body),
            http_headers=http if kind in {"response", "revisit"} else None,
            warc_content_type=headers.pop("Content-Type", "text/plain") if kind in {"conversion", "resource"} else "",
            warc_headers_dict={"WARC-Date": "2006-10-15T00:00:00Z", **headers},
        )
        writer.write_record(record)
    return stream.getvalue()
