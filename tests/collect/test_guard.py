import ipaddress
import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect.failure import Failure, Refused
from pipeline.collect.fetch import Fetcher
from pipeline.collect.guard import Guard, is_public, place_of


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("file:///etc/passwd", "scheme"),
        ("ftp://example.org/", "scheme"),
        ("gopher://example.org:70/", "scheme"),
        ("//example.org/", "scheme"),
        ("http://user:secret@example.org/", "user name"),
        ("http://user@example.org/", "user name"),
        ("http:///path", "no host"),
        ("http://example.org:99999/", "no address"),
        ("http://[::1/", "no address"),
    ],
)
def test_what_is_never_fetched_whatever_is_allowed(address, word):
    with pytest.raises(Failure, match=word) as caught:
        place_of(address)
    assert caught.value.kind == "hard"
    assert "secret" not in caught.value.reason


def test_the_key_of_a_place_names_its_port():
    assert place_of("https://Example.org/a").key == "https://example.org:443"
    assert place_of("http://[2001:db8::1]:81/").key == "http://[2001:db8::1]:81"


@pytest.mark.parametrize(
    "ip",
    [
        "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "100.100.100.200", "168.63.129.16", "192.0.0.192", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
        "198.18.0.1", "203.0.113.7", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1",
        "ff0e::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::", "2002:a00:1::", "fec0::1", "feff::1", "3fff::1", "3fff:fff::1", "192.88.99.1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(ip):
    assert not is_public(ip)


@pytest.mark.parametrize("ip", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_addresses_that_are_public(ip):
    assert is_public(ip)


@given(st.ip_addresses(v=4))
def test_an_address_wrapped_in_ipv6_is_judged_like_itself(ip):
    public = is_public(str(ip))
    assert is_public(f"::ffff:{ip}") == public
    assert is_public(str(ipaddress.IPv6Address((0x64FF9B << 96) | int(ip)))) == public


def test_all_addresses_of_a_name_must_be_public(monkeypatch):
    def answers(*ips):
        return lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ips]

    monkeypatch.setattr(socket, "getaddrinfo", answers("93.184.216.34", "93.184.216.35"))
    assert Guard().resolve("news.example", 80) == ["93.184.216.34", "93.184.216.35"]
    monkeypatch.setattr(socket, "getaddrinfo", answers("93.184.216.34", "10.0.0.7"))
    with pytest.raises(Failure, match=r"10\.0\.0\.7"):
        Guard().resolve("news.example", 80)
    # the exception is for the host as it is written, not for where it leads
    with pytest.raises(Failure):
        Guard(frozenset({"10.0.0.7:80"})).resolve("news.example", 80)
    assert Guard(frozenset({"news.example:80"})).resolve("news.example", 80)
    with pytest.raises(Failure):
        Guard(frozenset({"news.example:81"})).resolve("news.example", 80)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "localhost", "[::1]", "127.1"])
def test_other_spellings_of_loopback_are_refused(settings, site, host):
    fetcher = Fetcher(settings, Guard(frozenset({site.host_port})))
    port = site.host_port.partition(":")[2]
    with pytest.raises(Failure) as caught:
        fetcher.get(f"http://{host}:{port}/")
    fetcher.close()
    assert site.requests == []
    assert "refused" in caught.value.reason


def test_a_name_that_changes_its_mind_gains_nothing(settings, site, monkeypatch):
    """Rebinding: the name is resolved once; the connection goes to what was checked."""
    port = int(site.host_port.partition(":")[2])
    asked = []
    connected = []

    def resolve(host, *_, **__):
        asked.append(host)
        ip = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

    def connect(address, *_, **__):
        connected.append(address)
        raise OSError("no network in tests")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    fetcher = Fetcher(settings, Guard())
    with pytest.raises(Failure, match="no connection"):
        fetcher.get(f"http://rebind.example:{port}/")
    assert connected == [("93.184.216.34", port)]
    with pytest.raises(Failure, match="no public address"):
        fetcher.get(f"http://rebind.example:{port}/")
    fetcher.close()
    assert len(connected) == 1
    assert site.requests == []


def test_an_address_that_swallows_everything_leaves_time_for_the_others(settings, site, monkeypatch):
    """As IPv6 does on many a bad line."""
    port = int(site.host_port.partition(":")[2])
    site.add("/a", "there")
    with socket.create_server(("127.0.0.2", port), backlog=0) as full:
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("127.0.0.2", "127.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
        quick = settings.model_copy(update={"request_seconds": 2.0})
        fetcher = Fetcher(quick, Guard(frozenset({f"news.example:{port}"})))
        began = time.monotonic()
        assert fetcher.get(f"http://news.example:{port}/a").body == b"there"
        assert 0.9 < time.monotonic() - began < 2
        fetcher.close()
        for one in waiting:
            one.close()


def test_a_name_without_an_answer_is_given_up(monkeypatch):
    never = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: never.wait(5))
    began = time.monotonic()
    with pytest.raises(Failure, match=r"nobody says within 0\.2 s where news\.example is") as caught:
        Guard().resolve("news.example", 80, 0.2)
    never.set()
    assert caught.value.kind == "temporary"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "2130706433", "0x7f000001"])
def test_an_address_that_is_private_is_so_tomorrow(host):
    with pytest.raises(Refused) as caught:
        Guard().resolve(host, 80)
    assert caught.value.kind == "hard"


def test_a_name_that_is_private_today_is_tried_again(monkeypatch):
    """Where a name is blocked, resolvers answer 127.0.0.1 or 0.0.0.0: no text may be given up for that."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, 1, 6, "", ("127.0.0.1", 80))])
    with pytest.raises(Refused, match="no public address") as caught:
        Guard().resolve("news.example", 80)
    assert caught.value.kind == "temporary"


def test_an_error_nobody_thought_of_is_not_swallowed(monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(socket, "getaddrinfo", broken)
    with pytest.raises(ZeroDivisionError):
        Guard().resolve("news.example", 80)
