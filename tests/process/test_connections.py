"""Connections as suites really use them: reused, shared, interrupted, forked, thrown away."""

from __future__ import annotations

import json
import socket
import sys
import textwrap

import pytest

from tests.support.cli import recordbake
from tests.support.origin import TEXT, Origin

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
HALF = len(TEXT) - 100


@pytest.fixture
def run(tmp_path):
    """Record a program, stop the server, replay it strictly; what it printed, both times."""

    def both(code, *, complete=True):
        path = tmp_path / "program.py"
        path.write_text(textwrap.dedent(code))
        with Origin() as origin:
            env = CAPTURE | {"ORIGIN": origin.url}
            command = [sys.executable, str(path)]
            options = [] if complete else ["--allow-errors"]
            recorded = recordbake("record", *options, "--", *command, cwd=tmp_path, env=env)
        assert recorded.returncode == 0, recorded.stderr
        replayed = recordbake("replay", "--strict", "--", *command, cwd=tmp_path, env=env)
        assert replayed.returncode == 0, replayed.stderr
        assert replayed.stdout == recorded.stdout
        return recorded.stdout

    return both


def test_one_connection_many_requests(run):
    code = """
        import http.client, os
        c = http.client.HTTPConnection(os.environ["ORIGIN"][7:])
        for method, path in [("GET", "/text"), ("HEAD", "/text"), ("GET", "/chunked"),
                             ("GET", "/nothing"), ("PUT", "/echo"), ("GET", "/text")] * 3:
            c.request(method, path, b"x" if method == "PUT" else None)
            print(len(c.getresponse().read()), end=" ")
        """
    assert run(code) == f"{len(TEXT)} 0 11 0 5 {len(TEXT)} " * 3


def test_a_path_that_holds_a_url(run):
    code = """
        import os, requests
        print(requests.get(os.environ["ORIGIN"] + "/proxy/http://other.example/x").text)
        """
    assert run(code) == "/proxy/http://other.example/x\n"


def test_more_than_1024_open_files(run):
    code = """
        import os, requests, resource
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, hard))
        kept = [os.open("/dev/null", 0) for _ in range(1100)]
        s = requests.Session()
        print(*(s.get(os.environ["ORIGIN"] + f"/{n}").text for n in range(3)))
        """
    assert run(code) == "/0 /1 /2\n"


def test_closing_a_stalled_response_returns_and_keeps_what_was_read(run):
    code = """
        import os, requests
        r = requests.get(os.environ["ORIGIN"] + "/stall", stream=True)
        print(len(r.raw.read(10)))
        r.close()
        print(requests.get(os.environ["ORIGIN"] + "/text").status_code)
        """
    assert run(code) == "10\n200\n"


@pytest.mark.parametrize("path", ["/silent", "/stall"])
@pytest.mark.parametrize("client", ["httpx", "httpx2"])
def test_a_cancelled_request(run, client, path):
    """In its body, and before its response begins."""
    code = f"""
        import asyncio, os, {client} as client
        async def main():
            async with client.AsyncClient() as c:
                try:
                    await asyncio.wait_for(c.get(os.environ["ORIGIN"] + "{path}"), 1.5)
                except asyncio.TimeoutError:
                    print("gave up")
                print((await c.get(os.environ["ORIGIN"] + "/text")).status_code)
        asyncio.run(main())
        """
    assert run(code) == "gave up\n200\n"


def test_a_child_forked_in_the_middle_of_a_stream_leaves_it_to_its_parent(run):
    code = """
        import os, sys, requests
        u = os.environ["ORIGIN"]
        for path in ("/large", "/medium"):
            r = requests.get(u + path, stream=True)
            data = r.raw.read(10)
            if os.fork() == 0:
                r.close()
                sys.exit(0)
            os.wait()
            print(len(data + r.raw.read()), len(requests.get(u + path).content))
        """
    assert run(code) == f"{1 << 21} {1 << 21}\n500000 500000\n"


def test_a_response_that_is_thrown_away_unread(run):
    code = """
        import gc, os, httpx
        c = httpx.Client()
        def status():
            request = c.build_request("GET", os.environ["ORIGIN"] + "/text")
            return c.send(request, stream=True).status_code
        print(status())
        gc.collect()
        """
    assert run(code) == "200\n"


def test_the_timeout_of_the_socket_itself_counts(run):
    code = """
        import http.client, os
        c = http.client.HTTPConnection(os.environ["ORIGIN"][7:])
        c.connect()
        c.sock.settimeout(0.3)
        try:
            c.request("GET", "/silent")
            c.getresponse()
        except TimeoutError:
            print("timed out")
        """
    assert run(code, complete=False) == "timed out\n"


def test_uploads_that_wait_for_a_continue(run):
    code = """
        import io, os
        from botocore.awsrequest import AWSRequest
        from botocore.httpsession import URLLib3Session
        session = URLLib3Session()
        for n in range(3):
            headers = {"Expect": "100-continue"}
            request = AWSRequest("PUT", os.environ["ORIGIN"] + "/echo", data=io.BytesIO(b"x" * n),
                                 headers=headers | {"Content-Length": str(n)})
            print(session.send(request.prepare()).content)
        """
    assert run(code) == "b'PUT '\nb'PUT x'\nb'PUT xx'\n"


def test_a_frozen_clock_and_a_mocked_sleep_do_not_reach_the_journal(run, tmp_path):
    code = """
        import os, time, urllib.request
        time.time = lambda: 1.0
        time.sleep = lambda _: None
        print(urllib.request.urlopen(os.environ["ORIGIN"] + "/busy").status)
        """
    assert run(code) == "200\n"
    for journal in tmp_path.glob(".recordbake/runs/*/http_log.ndjson"):
        assert all(json.loads(line)["ts"] > 1e9 for line in journal.read_text().splitlines())


@pytest.mark.parametrize("options", [["-W", "error"], ["-OO"], ["-X", "dev"], ["-bb"]])
def test_strict_interpreters(tmp_path, options):
    with Origin() as origin:
        code = (
            f"import requests, httpx; [m.get({origin.url + '/text'!r}) for m in (requests, httpx)]"
        )
        result = recordbake(
            "record", "--", sys.executable, *options, "-c", code, cwd=tmp_path,
            env=CAPTURE | {"LANG": "C"},
        )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "Warning" not in result.stderr


def test_closed_descriptors_do_not_send_the_journal_into_the_suites_files(run, tmp_path):
    code = """
        import os, urllib.request
        urllib.request.urlopen(os.environ["ORIGIN"] + "/a").read()
        os.closerange(3, 256)
        kept = [open("victim.txt", "w") for _ in range(9)]
        print(urllib.request.urlopen(os.environ["ORIGIN"] + "/b").read())
        """
    assert run(code) == "b'/b'\n"
    assert (tmp_path / "victim.txt").read_text() == ""


def test_look_ups_in_short_lived_threads_leave_no_warning(run):
    code = """
        import os, threading, urllib.request, warnings
        warnings.simplefilter("error")
        def fetch():
            print(urllib.request.urlopen(os.environ["ORIGIN"] + "/a").read())
        for _ in range(3):
            thread = threading.Thread(target=fetch)
            thread.start()
            thread.join()
        """
    assert run(code) == "b'/a'\n" * 3


def test_schemes_that_are_not_http_are_the_clients_business(run):
    code = """
        import httpx
        try:
            httpx.get("foo://example.org/")
        except httpx.UnsupportedProtocol as error:
            print("unsupported")
        """
    assert run(code) == "unsupported\n"


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_httpx_tells_the_trace_extension_what_it_sent_and_got(run, is_async):
    code = """
        import asyncio, os, httpx
        seen = lambda name, info: name.endswith("_headers.complete") and print(
            name, [str(part) for part in info.get("return_value") or [info.get("request")]][1:3])
        async def aseen(name, info):
            seen(name, info)
        async def main():
            async with httpx.AsyncClient() as client:
                await client.get(os.environ["ORIGIN"] + "/text", extensions={"trace": aseen})
        """
    call = (
        "asyncio.run(main())"
        if is_async
        else 'httpx.Client().get(os.environ["ORIGIN"] + "/text", extensions={"trace": seen})'
    )
    told = run(textwrap.dedent(code) + call)
    assert "http11.receive_response_headers.complete ['200', \"b'OK'\"]" in told


def test_a_proxy_that_cannot_be_reached_is_a_proxy_error(run):
    code = """
        import requests
        try:
            requests.get("http://example.org/", proxies={"http": "http://127.0.0.1:1"})
        except requests.ConnectionError as error:
            print(type(error).__name__)
        """
    assert run(code, complete=False) == "ProxyError\n"


def test_the_cause_of_a_failure_is_also_its_context(run):
    """As httpie looks for the reason of one."""
    code = """
        import requests
        try:
            requests.get("http://no.such.host.invalid/")
        except requests.ConnectionError as error:
            while error is not None:
                print(type(error).__name__)
                error = error.__context__
        """
    assert run(code, complete=False).split()[-2:] == ["NameResolutionError", "gaierror"]


def test_a_body_that_could_not_be_sent_was_begun(tmp_path):
    """Of a generator that httpx leaves to the garbage collector trio warns."""
    code = """
        import gc, os, warnings
        import httpx, trio
        async def main():
            async with httpx.AsyncClient(timeout=httpx.Timeout(20, write=0.3)) as client:
                try:
                    await client.put(os.environ["ORIGIN"], content=bytes(20_000_000))
                except httpx.TransportError as error:
                    print(type(error).__name__)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            trio.run(main)
            gc.collect()
        print(["garbage collected before" in str(warning.message) for warning in caught])
        """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with socket.create_server(("127.0.0.1", 0)) as listener:  # nobody reads what it is sent
        env = CAPTURE | {"ORIGIN": f"http://127.0.0.1:{listener.getsockname()[1]}/"}
        recorded = recordbake("record", "--allow-errors", "--", *command, cwd=tmp_path, env=env)
    replayed = recordbake("replay", "--strict", "--", *command, cwd=tmp_path, env=env)
    assert (recorded.returncode, replayed.returncode) == (0, 0)
    assert recorded.stdout == replayed.stdout == "WriteTimeout\n[True]\n"


@pytest.mark.parametrize("how", ["urlopen", "HTTPConnection"])
def test_the_last_thing_that_a_process_does_may_be_a_request(run, how):
    """When nothing can be imported any more, live asks what it has asked before."""
    printed = run(
        f"""
        import os
        from http.client import HTTPConnection
        from urllib.request import urlopen
        ORIGIN = os.environ["ORIGIN"]
        def ask(path, urlopen=urlopen, connect=HTTPConnection, url=ORIGIN, how="{how}"):
            if how == "urlopen":
                return urlopen(url + path).read()
            connection = connect(url[7:])
            connection.request("GET", path)
            return connection.getresponse().read()
        class Last:
            def __init__(self):
                self.ask, self.write = ask, os.write
            def __del__(self):
                self.write(1, self.ask("/last"))
        ask("/first")
        last = Last()
        """
    )
    assert printed == "/last"
