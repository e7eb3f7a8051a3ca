"""Whoever tries to leave a strict replay, by whichever road, does not arrive.

The roads are tests/support/roads.py, the outside is tests/support/outside.py: listeners in a
network namespace of the test's own, from which nothing can leave this machine.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support import outside, roads
from tests.support.cli import ROOT, clean_environ

FIRST_PORT = 7000
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
NATIVE = [
    "postgres", "grpc_", "uvloop_tcp", "ctypes_connect", "ctypes_unspec", "ctypes_sendmmsg",
    "io_uring", "int80", "python_isolated", "python_environment_ignored", "python_no_site",
    "python_no_environment", "python_through_shell", "curl", "git", "bash", "exec_", "posix_spawn",
    "daemon", "curl6", "native_lookup", "curl_name",
]  # fmt: skip
#: What Python's socket module sees of what no adapter captures, and what adapters capture.
SEEN = [
    "tcp", "tcp_connect_ex", "tcp_thread", "tcp_fastopen", "tcp_fastopen_sendmsg", "tcp_mapped",
    "udp_sendto", "udp_sendmsg", "udp_connected", "asyncio_tcp", "asyncio_udp", "ftp", "smtp",
    "redis_", "mysql", "ssh", "python", "fork", "multiprocessing_spawn", "tcp6", "udp6",
]  # fmt: skip
CAPTURED = ["urllib_", "requests_", "httpx_", "httpx_async"]
#: Refused without a word: programs try them as a matter of course, and do without.
UNREPORTED = {"io_uring"}
#: Roads whose clients are not in the standard library.
INSTALLED = {
    "requests_", "httpx_", "httpx_async", "redis_", "mysql", "ssh", "postgres", "grpc_",
    "uvloop_tcp",
}  # fmt: skip


def unshare():
    """A command that makes the namespaces, as root or with a user namespace; skips without."""
    for options in (["--net", "--mount"], ["--net", "--mount", "--user", "--map-root-user"]):
        command = ["unshare", *options]
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    return pytest.skip("this system lets nobody make a network namespace")


class Walk:
    """What came of a walk down the roads."""

    def __init__(self, where, names, *, before=(), python=sys.executable):
        arrivals = where / "arrivals"
        arrivals.write_text("")
        self.result = subprocess.run(
            [
                *unshare(), sys.executable, outside.__file__, arrivals, str(FIRST_PORT),
                str(len(roads.NAMES)), "--", *before, python, roads.__file__, outside.HOST,
                outside.HOST6, str(FIRST_PORT), *names,
            ],
            cwd=where, env=clean_environ(PYTHONPATH=str(ROOT)), capture_output=True, text=True,
            check=False, timeout=200,
        )  # fmt: skip
        seen = set(arrivals.read_text().split())
        self.arrived = {
            name for number, name in enumerate(roads.NAMES)
            if {str(FIRST_PORT + number), name.replace("_", "-")} & seen
        }  # fmt: skip
        journals = sorted(where.glob(".recordbake/runs/*/http_log.ndjson"))
        lines = journals[-1].read_text().splitlines() if journals else ()
        self.events = [json.loads(line) for line in lines]

    def leaks(self):
        return [event for event in self.events if event["event"] == "leak"]

    def reported(self):
        """The roads that the barrier itself reported, by their ports."""
        ports = {event["port"] for event in self.leaks() if event.get("barrier") == "seccomp"}
        return {name for n, name in enumerate(roads.NAMES) if FIRST_PORT + n in ports}


def replay(python, *options):
    return [python, "-m", "recordbake", "replay", "--strict", *options, "--"]


@pytest.fixture
def recorded(tmp_path):
    """A directory with a recording in it, of nothing."""
    command = [sys.executable, "-m", "recordbake", "record", "--", sys.executable, "-c", ""]
    subprocess.run(command, cwd=tmp_path, env=clean_environ(), check=True, capture_output=True)
    return tmp_path


def test_every_road_leads_out_without_a_barrier(tmp_path):
    """Else the other tests show nothing."""
    expected = set(roads.NAMES)
    if os.geteuid() != 0:
        expected -= {"raw_udp", "packet"}
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        expected.discard("int80")
    walk = Walk(tmp_path, roads.NAMES)
    assert expected - walk.arrived == set(), walk.result.stdout


@pytest.mark.parametrize("isolation", ["seccomp", "namespace"])
def test_no_road_leads_out_behind_a_kernel_barrier(recorded, isolation):
    walk = Walk(recorded, roads.NAMES, before=replay(sys.executable, "--isolation", isolation))
    assert walk.arrived == set()
    assert walk.result.returncode == 10, walk.result.stderr
    assert f"barrier: {isolation}" in walk.result.stderr
    lookups = {"native_lookup", "curl_name"}
    assert set(NATIVE) - UNREPORTED - lookups - walk.reported() == set()
    asked = [e for e in walk.leaks() if e.get("barrier") and e["port"] == 53]
    assert {e["process"].split()[0] for e in asked} >= {"curl"}
    starts = [e for e in walk.events if e["event"] == "process_start"]
    assert all(isolation in e["barrier"] for e in starts)
    curl = next(e for e in walk.leaks() if (e.get("process") or "").startswith("curl -s"))
    assert (curl["host"], curl["what"], curl["blocked"]) == (outside.HOST, "connect", True)
    assert curl["pid"] > 0


def test_roads_out_past_the_guard_alone_are_those_that_are_documented(recorded):
    walk = Walk(recorded, roads.NAMES, before=replay(sys.executable, "--isolation", "process"))
    assert walk.arrived == set(NATIVE), walk.result.stdout
    assert walk.result.returncode == 10
    assert "barrier: process" in walk.result.stderr
    page = (ROOT / "docs" / "explanation" / "strict.md").read_text()
    assert [name for name in NATIVE if f"`{name}`" not in page] == []


def test_what_is_not_captured_is_journalled_while_recording(tmp_path):
    """And what is captured is not: an adapter's own connections are no leaks."""
    record = [sys.executable, "-m", "recordbake", "record", "--retry-max-wait", "0", "--"]
    walk = Walk(tmp_path, [*SEEN, *CAPTURED, "name_lookup"], before=record)
    assert walk.arrived == {*SEEN, *CAPTURED, "name_lookup"}
    ports = {event["port"] for event in walk.leaks()}
    seen = {name for n, name in enumerate(roads.NAMES) if FIRST_PORT + n in ports}
    assert seen == set(SEEN)
    assert [e["what"] for e in walk.leaks() if "name-lookup" in e["host"]] == ["getaddrinfo"]
    assert {event["blocked"] for event in walk.leaks()} == {False}
    sites = {event["site"].rpartition(":")[0] for event in walk.leaks()}
    assert sites == {roads.__file__, "<string>"}  # the latter is python -c


@pytest.fixture
def ordinary():
    """A directory and a Python that an ordinary user can use."""
    if os.geteuid() != 0:
        pytest.skip("the other tests are run by an ordinary user already")
    for python in (sys.executable, shutil.which("python3", path="/usr/bin") or ""):
        code = "import sys; sys.exit(sys.version_info < (3, 10))"
        command = [*NOBODY, "sh", "-c", 'exec "$0" "$@"', python, "-c", code]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            break
    else:
        pytest.skip("no Python here can be run by another user")
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        command = [*NOBODY, python, "-m", "recordbake", "record", "--", python, "-c", ""]
        environ = clean_environ(PYTHONPATH=str(ROOT), HOME=name)
        if python == sys.executable:
            names = NATIVE
        else:  # what is installed for the tests is not there
            names = [road for road in NATIVE if road not in INSTALLED]
            # A recording is made with the dependencies; a strict replay does without them.
            command = [sys.executable, *command[len(NOBODY) + 1 :]]
        subprocess.run(command, cwd=name, env=environ, check=True, capture_output=True)
        subprocess.run(["chown", "-R", "65534:65534", name], check=True)
        yield Path(name), python, names


@pytest.mark.parametrize("isolation", ["seccomp", "namespace"])
def test_no_road_leads_out_for_an_ordinary_user(ordinary, isolation):
    where, python, names = ordinary
    before = [*NOBODY, *replay(python, "--isolation", isolation)]
    walk = Walk(where, names, before=before, python=python)
    assert walk.arrived == set()
    assert walk.result.returncode == 10, walk.result.stderr
    lookups = {"native_lookup", "curl_name"}
    assert set(names) - UNREPORTED - lookups - walk.reported() == set()


def test_a_strict_replay_inside_another_says_which_barrier_it_found(recorded):
    """The kernel takes one address filter per process tree, so the inner one makes do."""
    inner = [sys.executable, "-m", "recordbake", "replay", "--strict"]
    code = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[0])"
    command = [*inner, "--", sys.executable, "-c", code]
    result = subprocess.run(
        [*replay(sys.executable, "--isolation", "seccomp"), *command],
        cwd=recorded, env=clean_environ(), capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert result.stdout == "127.0.0.1\n", result.stderr
    assert "seccomp is not available: a supervisor is at work already" in result.stderr
    assert "barrier: namespace\n" in result.stderr
    refused = subprocess.run(
        [*replay(sys.executable), *inner, "--isolation", "seccomp", *command[len(inner) :]],
        cwd=recorded, env=clean_environ(), capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "docs/reference/errors.md#isolation" in refused.stderr


def test_what_a_suite_does_on_this_machine_passes(recorded):
    """Servers on loopback, Unix sockets, threads, children of children, orphans and signals."""
    code = """if True:
        import asyncio, multiprocessing, os, signal, socket, socketserver, subprocess, sys
        import threading
        echo = socketserver.ThreadingTCPServer(("127.0.0.1", 0), type("H",
            (socketserver.StreamRequestHandler,), {"handle": lambda s: s.wfile.write(b"hello")}))
        threading.Thread(target=echo.serve_forever, daemon=True).start()
        port = echo.server_address[1]
        ask = f"import socket; s = socket.create_connection(('localhost', {port}));"
        ask += "print(s.recv(9).decode())"
        for options in ([], ["-I"], ["-S"]):
            assert subprocess.check_output([sys.executable, *options, "-c", ask]) == b"hello\\n"
        shell = f"(exec 3<>/dev/tcp/127.0.0.1/{port}; cat <&3)"
        assert subprocess.check_output(["bash", "-c", shell]) == b"hello"
        a, b = socket.socketpair(); socket.send_fds(a, [b"x"], [0]); assert b.recv(1) == b"x"
        u = socket.socket(type=socket.SOCK_DGRAM); u.bind(("127.0.0.1", 0))
        u.sendto(b"x", u.getsockname()); assert u.recv(1) == b"x"
        u.sendmsg([b"y"], [], 0, u.getsockname()); assert u.recv(1) == b"y"
        with multiprocessing.Pool(2) as pool: assert pool.map(abs, [-1, -2]) == [1, 2]
        for _ in range(20):  # orphans: their parent does not wait for them
            subprocess.run(["sh", "-c", "sleep 0.01 & exit 0"])
        socket.getfqdn(); socket.gethostbyname("localhost")
        async def tasks():
            r, w = await asyncio.open_connection("127.0.0.1", port); return await r.read()
        assert asyncio.run(tasks()) == b"hello"
        print("done", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    result = subprocess.run(
        [*replay(sys.executable, "--isolation", "seccomp"), sys.executable, "-c", code],
        cwd=recorded, env=clean_environ(), capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert result.stdout == "done\n", result.stderr
    assert "leak" not in result.stderr
    assert result.returncode == 128 + 9


def test_a_refused_program_is_attributed_to_the_test_that_started_it(recorded):
    (recorded / "test_suite.py").write_text(
        "import subprocess\n"
        "def test_download(): subprocess.run(['curl', '-s', 'http://192.0.2.1/?token=abc'])\n"
    )
    result = subprocess.run(
        [*replay(sys.executable, "--isolation", "kernel"), *PYTEST],
        cwd=recorded, env=clean_environ(), capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert result.returncode == 10
    (journal,) = recorded.glob(".recordbake/runs/*strict*/http_log.ndjson")
    leaks = [e for e in map(json.loads, journal.read_text().splitlines()) if e["event"] == "leak"]
    assert [(e["test"], e["phase"]) for e in leaks] == [("test_suite.py::test_download", "call")]
    assert leaks[0]["process"] == "curl -s http://192.0.2.1/?token=REDACTED"
    assert "leak: connect of 192.0.2.1:80 by curl -s" in result.stderr
    assert "programs in other languages: curl" in result.stderr


NATIVE_SUITE = """
import ctypes, unittest
import pytest

def leave(port):
    libc = ctypes.CDLL(None)
    address = b"\\x02\\0" + port.to_bytes(2, "big") + bytes([192, 0, 2, 1]) + bytes(8)
    assert libc.connect(libc.socket(2, 1, 0), address, len(address)) == -1

@pytest.fixture
def fixture():
    leave(1)
    yield
    leave(3)

def test_phases(fixture):
    leave(2)

@pytest.mark.parametrize("name", ["a b", "\u6771"])
def test_names(name):
    leave(4)

class TestCase(unittest.TestCase):
    def test_method(self):
        leave(5)

leave(6)
"""


def test_what_native_code_in_a_test_does_is_attributed_to_the_test(recorded):
    (recorded / "test_suite.py").write_text(NATIVE_SUITE, encoding="utf-8")
    result = subprocess.run(
        [*replay(sys.executable, "--isolation", "seccomp"), *PYTEST],
        cwd=recorded, env=clean_environ(), capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert result.returncode == 10, result.stdout + result.stderr
    assert "4 passed" in result.stdout
    (journal,) = recorded.glob(".recordbake/runs/*strict*/http_log.ndjson")
    leaks = [e for e in map(json.loads, journal.read_text().splitlines()) if e["event"] == "leak"]
    found = sorted((e["port"], e["test"], e["phase"]) for e in leaks)
    names = "test_suite.py::test_names"
    assert found == [
        (1, "test_suite.py::test_phases", "setup"),
        (2, "test_suite.py::test_phases", "call"),
        (3, "test_suite.py::test_phases", "teardown"),
        (4, f"{names}[\\u6771]", "call"),
        (4, f"{names}[a b]", "call"),
        (5, "test_suite.py::TestCase::test_method", "call"),
        (6, None, None),
    ]
