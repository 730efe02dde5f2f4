import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.address import canonical


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://127.0.0.1:8471/posts/12", "http://127.0.0.1:8471/posts/12"),
        ("http://[::1]:8471/a", "http://[::1]:8471/a"),
        ("http://[::1]:80/a", "http://[::1]/a"),
        ("HTTP://Example.ORG:80/A", "http://example.org/A"),
        ("https://example.org:443", "https://example.org/"),
        ("https://example.org:8443/a/", "https://example.org:8443/a/"),
        ("http://example.org/a?utm_source=feed&id=5&fbclid=x#comments", "http://example.org/a?id=5"),
        ("http://example.org/a?b=2&amp;a=1", "http://example.org/a?a=1&b=2"),
        ("http://example.org/?p=12", "http://example.org/?p=12"),
        ("http://example.org/show.asp?cid=12", "http://example.org/show.asp?cid=12"),
        ("http://example.org/show?20090919", "http://example.org/show?20090919"),
        ("http://example.org/a?q=", "http://example.org/a?q="),
        ("  http://example.org/a b\n", "http://example.org/a%20b"),
        ("http://user:secret@example.org/a", "http://example.org/a"),
        ("http://example.org/100%", "http://example.org/100%25"),
        ("http://example.org/%7ehome/%28a%29", "http://example.org/~home/%28a%29"),
        ("http://example.org/web/2009/http://other.example/a", "http://example.org/web/2009/http://other.example/a"),
    ],
)
def test_one_spelling(address, expected):
    assert canonical(address) == expected


def test_arabic_paths_are_encoded_one_way():
    plain = "http://example.org/أخبار/12"
    encoded = "http://example.org/%D8%A3%D8%AE%D8%A8%D8%A7%D8%B1/12"
    assert canonical(plain) == canonical(encoded) == canonical(encoded.lower()) == encoded


@pytest.mark.parametrize(
    "address",
    ["", "no address", "ftp://example.org/a", "mailto:a@example.org", "/posts/12", "http://", "http:///a",
     "javascript:void(0)", "http://exa mple.org/", "http://example.org:port/", "http://[::1/a"],
)  # fmt: skip
def test_what_is_no_web_address_is_refused(address):
    with pytest.raises(ValueError, match="address"):
        canonical(address)


@pytest.mark.parametrize("address", ["http://a.example/" + "x" * 2000, "http://a.example/" + "\u0623" * 400,
                                     "http://" + "a" * 254 + "/"])  # fmt: skip
def test_what_no_database_indexes_is_refused(address):
    with pytest.raises(ValueError, match="address"):
        canonical(address)


def test_long_addresses_within_the_limits_stay():
    for address in ("http://a.example/" + "x" * 1983, f"http://{'.'.join(['abc'] * 63)}/"):
        assert canonical(address) == address


_parts = st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=20)
_hosts = st.text(alphabet=string.ascii_letters + string.digits + "-.خبر", min_size=1, max_size=12)


@given(host=_hosts, path=_parts, query=_parts, fragment=_parts)
def test_twice_is_once(host, path, query, fragment):
    try:
        once = canonical(f"http://{host}/{path}?{query}#{fragment}")
    except ValueError:
        return
    assert canonical(once) == once


@given(st.text())
def test_any_text_gives_an_address_or_a_value_error(text):
    try:
        once = canonical(text)
    except ValueError:
        return
    assert once.startswith(("http://", "https://"))
    assert canonical(once) == once
