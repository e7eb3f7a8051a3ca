"""What a program sees of a connection itself: live, while recording, and in a strict replay."""

from __future__ import annotations

import json
import sys
import textwrap

import pytest

from tests.support.cli import alone, recordbake
from tests.support.origin import Origin

START = """
    import http.client, os, socket, sys, urllib3, urllib3.connection, urllib3.util
    from unittest import mock
    host, port = os.environ["ORIGIN"][7:].split(":")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = int(os.environ.get("CLOSED") or unused.getsockname()[1])
    def outcome(call):
        try:
            return call()
        except Exception as error:
            return f"{type(error).__module__}.{type(error).__name__}: {error}"
"""


@pytest.fixture
def run(tmp_path):
    """Run a program live, recorded and replayed without its server; what it printed."""

    def thrice(code):
        path = tmp_path / "program.py"
        path.write_text(textwrap.dedent(START) + textwrap.dedent(code))
        env = {"RECORDBAKE_CAPTURE_LOOPBACK": "1", "CLOSED": "9"}
        command = [sys.executable, str(path)]
        with Origin() as origin:
            env["ORIGIN"] = origin.url
            live = alone(command, tmp_path, env)
            recorded = recordbake("record", "--allow-errors", "--", *command, cwd=tmp_path, env=env)
        assert recorded.returncode == 0, recorded.stderr
        replayed = recordbake("replay", "--strict", "--", *command, cwd=tmp_path, env=env)
        assert replayed.returncode == 0, replayed.stderr
        assert [recorded.stdout, replayed.stdout] == [live] * 2
        return live.splitlines()

    return thrice


@pytest.mark.parametrize(
    ("connection", "error"),
    [
        ("http.client.HTTPConnection", "ConnectionRefusedError"),
        ("http.client.HTTPSConnection", "ConnectionRefusedError"),
        ("urllib3.connection.HTTPConnection", "NewConnectionError"),
        ("urllib3.connection.HTTPSConnection", "NewConnectionError"),
    ],
)
def test_connecting_alone_ends_as_live(run, connection, error):
    lines = run(f"""
        c = {connection}("127.0.0.1", closed, timeout=5)
        print(outcome(c.connect).replace(hex(id(c)), "it"), c.sock)
        if not "{connection}".endswith("HTTPSConnection"):
            c = {connection}(host, int(port), timeout=5)
            print(c.connect(), c.sock is None)
            for _ in range(2):
                c.request("GET", "/text")
                print(len(c.getresponse().read()))
        """)
    assert error in lines[0]
    assert lines[0].endswith(" None")
    assert lines[1:] in ([], ["None False", lines[-1], lines[-1]])


def test_a_connection_that_was_not_recorded_is_blocked(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(
        textwrap.dedent(START) + "outcome(http.client.HTTPConnection(host, int(port)).connect)\n"
    )
    with Origin() as origin:
        env = {"RECORDBAKE_CAPTURE_LOOPBACK": "1", "ORIGIN": origin.url}
        recordbake("record", "--", sys.executable, "-c", "pass", cwd=tmp_path, env=env)
        replayed = recordbake(
            "replay", "--strict", "--", sys.executable, str(path), cwd=tmp_path, env=env
        )
    assert replayed.returncode == 10
    assert f"CONNECT {origin.url}/" in replayed.stderr


def test_a_connection_that_failed_can_be_used_as_live(run):
    lines = run("""
        pool = urllib3.HTTPConnectionPool("127.0.0.1", closed, timeout=5, retries=False)
        c = pool._get_conn()
        for _ in range(2):
            print(outcome(lambda: pool._make_request(c, "GET", "/")).replace(hex(id(c)), "it"))
            print(c.sock)
        pool._put_conn(c)
        print("NewConnectionError" in outcome(lambda: pool.request("GET", "/")))
        """)
    assert "NewConnectionError" in lines[0]
    assert "CannotSendRequest" in lines[2]
    assert [lines[1], *lines[3:]] == ["None", "None", "True"]


@pytest.mark.parametrize("library", ["http.client", "urllib3"])
def test_options_of_a_socket(run, library):
    lines = run(f"""
        if "{library}" == "urllib3":
            options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
            c = urllib3.connection.HTTPConnection(host, int(port), socket_options=options)
        else:
            c = http.client.HTTPConnection(host, int(port))
        for path in ("/text", "/text"):
            c.request("GET", path)
            c.getresponse().read()
            print(c.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) > 0)
            print(c.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) > 0)
            c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
        """)
    first = [str(library == "urllib3"), str(library != "urllib3")]
    assert lines == [*first, "False", first[1]]


@pytest.mark.parametrize("path", ["/text", "/silent"])
def test_a_request_whose_answer_nobody_asks_for(run, tmp_path, path):
    """A test that lets ``getresponse`` time out has sent its request all the same."""
    lines = run(f"""
        with mock.patch("http.client.HTTPConnection.getresponse", side_effect=TimeoutError("mine")):
            c = http.client.HTTPConnection(host, int(port))
            c.request("GET", "{path}")
            print(outcome(c.getresponse))
            c.close()
        """)
    assert lines == ["builtins.TimeoutError: mine"]
    outcomes = []
    for journal in sorted(tmp_path.glob(".recordbake/runs/*/http_log.ndjson")):
        events = map(json.loads, journal.read_text().splitlines())
        outcomes += [event["outcome"] for event in events if event["event"] == "request"]
    assert outcomes == ["stored" if path == "/text" else "failed", "hit"]
