"""What the guard lets pass, asked directly: nothing is connected here."""

from __future__ import annotations

import socket

import pytest

from recordbake.guest.guard import Guard, GuardError

ELSEWHERE = "192.0.2.1"  # TEST-NET-1 (RFC 5737)


class Journal:
    def __init__(self):
        self.events = []

    def write(self, event, **fields):
        self.events.append((event, fields["host"], fields["port"], fields["what"]))


@pytest.fixture
def journal():
    return Journal()


@pytest.fixture
def guard(journal, monkeypatch):
    def getaddrinfo(host, port):
        if host == "db.internal.test":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ELSEWHERE, 0))]
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return Guard({"ignore_hosts": ["DB.internal.test"]}, journal)


@pytest.mark.parametrize(
    ("event", "args"),
    [
        ("socket.connect", (None, ("127.0.0.1", 80))),
        ("socket.connect", (None, ("::1", 80, 0, 0))),
        ("socket.connect", (None, "/run/s.sock")),
        ("socket.getaddrinfo", ("localhost", 80, 0, 0, 0)),
        ("socket.getaddrinfo", (None, 80, 0, 0, 0)),
        ("socket.getaddrinfo", ("db.internal.test", 5432, 0, 0, 0)),
        ("socket.connect", (None, (ELSEWHERE, 5432))),  # the address of a name that may be reached
        ("open", ("/etc/passwd", "r", 0)),
    ],
)
def test_passes(guard, journal, event, args):
    guard(event, args)
    assert journal.events == []


@pytest.mark.parametrize(
    ("event", "args", "host", "port"),
    [
        ("socket.connect", (None, ("192.0.2.2", 80)), "192.0.2.2", 80),
        ("socket.connect", (None, ("2001:db8::1", 80, 0, 0)), "2001:db8::1", 80),
        ("socket.sendto", (None, ("192.0.2.2", 53)), "192.0.2.2", 53),
        ("socket.getaddrinfo", ("db.example.org", 5432, 0, 0, 0), "db.example.org", 5432),
        ("socket.getaddrinfo", (b"db.example.org", "5432", 0, 0, 0), "db.example.org", None),
        ("socket.gethostbyname", ("db.example.org",), "db.example.org", None),
        ("socket.gethostbyaddr", ("192.0.2.2",), "192.0.2.2", None),
    ],
)
def test_blocks_and_says_so(guard, journal, event, args, host, port):
    with pytest.raises(GuardError, match="recordbake blocked") as raised:
        guard(event, args)
    assert host in str(raised.value)
    assert journal.events == [("leak", host, port, event.partition(".")[2])]
