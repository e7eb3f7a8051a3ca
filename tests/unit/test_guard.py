"""What the guard lets pass, asked directly: nothing is connected here."""

from __future__ import annotations

import socket

import pytest

from recordbake.guest import live
from recordbake.guest.guard import Guard

ELSEWHERE = "192.0.2.1"  # TEST-NET-1 (RFC 5737)
OWN = "192.0.2.9"


class Journal:
    def __init__(self):
        self.events = []

    def write(self, event, **fields):
        assert event == "leak"
        self.events.append(fields)


@pytest.fixture
def journal():
    return Journal()


@pytest.fixture
def make(journal, monkeypatch):
    def getaddrinfo(host, port):
        if host == "db.internal.test":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ELSEWHERE, 0))]
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr("os.uname", lambda: type("U", (), {"nodename": "Builder-7"}))

    def make(mode="replay_strict", own=(OWN,)):
        settings = {"mode": mode, "ignore_hosts": ["DB.internal.test"], "own_addresses": own}
        return Guard(settings, journal)

    return make


@pytest.mark.parametrize(
    ("event", "args"),
    [
        ("socket.connect", (None, ("127.0.0.1", 80))),
        ("socket.connect", (None, ("::1", 80, 0, 0))),
        ("socket.connect", (None, ("::ffff:127.0.0.1", 80, 0, 0))),
        ("socket.connect", (None, "/run/s.sock")),
        ("socket.sendmsg", (None, None)),
        ("socket.getaddrinfo", ("localhost", 80, 0, 0, 0)),
        ("socket.getaddrinfo", ("LocalHost.", 80, 0, 0, 0)),
        ("socket.getaddrinfo", (None, 80, 0, 0, 0)),
        ("socket.getaddrinfo", ("db.internal.test", 5432, 0, 0, 0)),
        ("socket.getaddrinfo", ("builder-7", 80, 0, 0, 0)),
        ("socket.connect", (None, (ELSEWHERE, 5432))),  # the address of a name that may be reached
        ("socket.connect", (None, (OWN, 5432))),
    ],
)
@pytest.mark.parametrize("mode", ["replay_strict", "record"])
def test_passes(make, journal, mode, event, args):
    make(mode).check(event, args)
    assert journal.events == []


BLOCKED = [
    ("socket.connect", (None, ("192.0.2.2", 80)), "192.0.2.2", 80),
    ("socket.connect", (None, ("2001:db8::1", 80, 0, 0)), "2001:db8::1", 80),
    ("socket.sendto", (None, ("192.0.2.2", 53)), "192.0.2.2", 53),
    ("socket.connect", (None, ("127.evil.test", 80)), "127.evil.test", 80),
    ("socket.getaddrinfo", ("db.example.org", 5432, 0, 0, 0), "db.example.org", 5432),
    ("socket.getaddrinfo", (b"db.example.org", "5432", 0, 0, 0), "db.example.org", None),
    ("socket.gethostbyname", ("db.example.org",), "db.example.org", None),
    ("socket.gethostbyaddr", ("192.0.2.2",), "192.0.2.2", None),
]


@pytest.mark.parametrize(("event", "args", "host", "port"), BLOCKED)
def test_strict_blocks_and_says_so(make, journal, event, args, host, port):
    lookup = "host" in event or "addr" in event
    kind = socket.gaierror if lookup else ConnectionRefusedError
    with pytest.raises(kind, match="recordbake blocked") as raised:
        make().check(event, args)
    assert type(raised.value) is kind  # it survives pickling to a process without recordbake
    text = str(raised.value)
    assert host in text
    assert "test_guard.py:" in text
    assert "ignore_hosts" in text
    (leak,) = journal.events
    assert (leak["host"], leak["port"], leak["what"]) == (host, port, event.partition(".")[2])
    assert leak["blocked"] is True
    assert "test_guard.py:" in leak["site"]


@pytest.mark.parametrize(("event", "args", "host", "port"), BLOCKED)
def test_other_modes_let_pass_and_say_so(make, journal, event, args, host, port):
    make("record").check(event, args)
    (leak,) = journal.events
    assert (leak["host"], leak["port"], leak["blocked"]) == (host, port, False)


def test_the_machines_own_name_is_not_asked_of_a_name_server(make, journal):
    with pytest.raises(socket.gaierror, match="/etc/hosts"):
        make(own=()).check("socket.gethostbyname", ("builder-7",))
    assert journal.events == []
    make("record", own=()).check("socket.gethostbyname", ("builder-7",))
    make(own=None).check("socket.gethostbyname", ("builder-7",))


class Capture:
    def __init__(self, host):
        self.head = self.proxy = None
        self.plan = type("Plan", (), {"host": host})


@pytest.fixture
def capture():
    token = live._current.set(None)
    made = Capture("api.example.org")
    live.begin(made)
    yield made
    live.end(made)
    live._current.reset(token)


def test_a_captured_request_is_no_leak_until_its_response_begins(make, journal, capture):
    guard = make("record")
    connect = ("socket.connect", (None, (ELSEWHERE[:-1] + "2", 443)))
    guard.check(*connect)
    guard.check("socket.getaddrinfo", ("api.example.org", 443, 0, 0, 0))
    assert journal.events == []
    capture.head = object()
    guard.check(*connect)
    assert len(journal.events) == 1


def test_a_look_up_in_another_thread_belongs_to_who_asks_that_host(
    make, journal, capture, monkeypatch
):
    live._current.set(None)
    guard = make("record")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    capture.proxy = "proxy.example.net"
    for host in (
        "api.example.org", "proxy.example.org", "proxy.example.net", "other.example.org",
    ):  # fmt: skip
        guard.check("socket.getaddrinfo", (host, 443, 0, 0, 0))
    assert [leak["host"] for leak in journal.events] == ["other.example.org"]
    guard.check("socket.connect", (None, ("192.0.2.2", 443)))
    assert len(journal.events) == 2
