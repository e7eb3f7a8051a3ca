"""What stands in for a socket is asked what a socket is asked, and ends as one."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from contextlib import closing

import pytest

from tests.clients.origin import Deaf, Refusing
from tests.support.cli import clean_environ, recordbake
from tests.support.origin import Origin

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
PRELUDE = """
import http.client, os, socket, sys, urllib3, warnings
from urllib.parse import urlsplit
from urllib3.util import Timeout
warnings.simplefilter("error", ResourceWarning)
ORIGIN, REFUSED, DEAF = (urlsplit(os.environ[n]) for n in ("ORIGIN", "REFUSED", "DEAF"))
def said(call, *args, **options):
    try:
        return call(*args, **options)
    except Exception as error:
        return type(error).__name__
def plain(to, **options):
    return http.client.HTTPConnection(to.hostname, to.port, **options)
def pool(to, **options):
    return urllib3.HTTPConnectionPool(to.hostname, to.port, **options)
"""


@pytest.fixture
def same(tmp_path):
    """Run a program live, recording, and strictly with the servers gone: it prints the same."""

    def run(code, *, prints):
        path = tmp_path / "program.py"
        path.write_text(PRELUDE + textwrap.dedent(code))
        command = [sys.executable, str(path)]
        with closing(Deaf()) as deaf, closing(Refusing()) as refusing, Origin() as origin:
            bases = {"ORIGIN": origin.url, "REFUSED": refusing.url, "DEAF": deaf.url}
            live = subprocess.run(
                command, capture_output=True, text=True, check=True, env=clean_environ(**bases)
            )
            recorded = recordbake("record", "--allow-errors", "--", *command, cwd=tmp_path,
                                  env=CAPTURE | bases)  # fmt: skip
        replayed = recordbake(
            "replay", "--strict", "--", *command, cwd=tmp_path, env=CAPTURE | bases
        )
        assert recorded.returncode == 0, recorded.stderr
        assert replayed.returncode == 0, replayed.stderr
        assert (live.stdout, recorded.stdout, replayed.stdout) == (prints,) * 3
        unclosed = live.stderr.count("ResourceWarning")  # some of a suite's own
        assert recorded.stderr.count("ResourceWarning") <= unclosed
        assert replayed.stderr.count("ResourceWarning") <= unclosed

    return run


@pytest.mark.parametrize(
    ("client", "refused", "timed_out"),
    [("plain", "ConnectionRefusedError", "TimeoutError"),
     ("pool", "NewConnectionError", "ConnectTimeoutError")],
)  # fmt: skip
def test_a_connection_alone_fails_when_it_is_made(same, client, refused, timed_out):
    code = """
        for to in (REFUSED, DEAF, ORIGIN):
            c = CLIENT(to, timeout=0.3)
            c = c if CLIENT is plain else c._new_conn()
            print(said(c.connect), c.sock is None)
            c.close()
        """
    prints = f"{refused} True\n{timed_out} True\nNone False\n"
    same(code.replace("CLIENT", client), prints=prints)


def test_a_connection_that_failed_is_left_as_it_is_live(same):
    code = """
        with pool(DEAF, timeout=Timeout(connect=0.3), retries=False) as p:
            for _ in range(2):
                c = p._get_conn()
                print(said(p._make_request, c, "GET", "/"), c.sock is None, c.is_connected)
                p._put_conn(c)
        c = plain(REFUSED)
        for _ in range(2):
            print(said(c.request, "GET", "/"), c.sock is None)
        c.close()
        print(said(c.request, "GET", "/"), c.sock is None)
        """
    pools = "ConnectTimeoutError True False\n" * 2
    plains = "ConnectionRefusedError True\nCannotSendRequest True\nConnectionRefusedError True\n"
    same(code, prints=pools + plains)


def test_options_of_a_socket(same):
    code = """
        NODELAY = socket.IPPROTO_TCP, socket.TCP_NODELAY
        ALIVE = socket.SOL_SOCKET, socket.SO_KEEPALIVE
        with pool(ORIGIN, retries=False) as p:
            c = p._get_conn()
            c.socket_options += [(*ALIVE, 1)]
            p._make_request(c, "GET", "/text", preload_content=False).close()
            p._make_request(c, "HEAD", "/text")
            s = c.sock
            print(s.getsockopt(*NODELAY) > 0, s.getsockopt(*ALIVE) > 0, int(s.family), int(s.type))
            s.setsockopt(*ALIVE, 0)
            print(s.getsockopt(*ALIVE), s.gettimeout(), s.fileno() > 0, len(s.getsockname()))
            c.close()
            s = c._new_conn()
            print(s.getsockopt(*NODELAY) > 0, s.getsockopt(*ALIVE) > 0)
            s.close()
        with pool(ORIGIN, socket_options=None) as p:
            s = p._new_conn()._new_conn()
            print(s.getsockopt(*NODELAY))
            s.close()
        with pool(REFUSED) as p:
            print(said(p._new_conn()._new_conn))
        """
    same(code, prints="True True 2 1\n0 None True 2\nTrue True\n0\nNewConnectionError\n")


def test_a_tunnel_is_opened_by_the_connections_own_code(same):
    """Once for each connection, as suites see that replace or extend ``_tunnel``."""
    code = """
        import threading
        from unittest import mock
        server = socket.create_server(("127.0.0.1", 0))
        def pump(source, target):
            while data := source.recv(65536):
                target.sendall(data)
        def serve():
            while True:
                client, head = server.accept()[0], b""
                while not head.endswith(b"\\r\\n\\r\\n"):  # it may come in pieces
                    head += client.recv(65536)
                origin = socket.create_connection((ORIGIN.hostname, ORIGIN.port))
                client.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n")
                for ends in ((client, origin), (origin, client)):
                    threading.Thread(target=pump, args=ends, daemon=True).start()
        threading.Thread(target=serve, daemon=True).start()
        class Own(http.client.HTTPConnection):
            def _tunnel(self):
                super()._tunnel()
                print("opened", self.sock is not None)
        c = Own(*server.getsockname())
        c.set_tunnel(ORIGIN.hostname, ORIGIN.port)
        for _ in range(2):
            c.request("GET", "/text")
            print(len(c.getresponse().read()))
        with pool(ORIGIN, retries=False) as p:
            c = p._get_conn()
            c.set_tunnel(ORIGIN.hostname, ORIGIN.port)
            with mock.patch.object(c, "_tunnel") as tunnel:
                print(p._make_request(c, "GET", "/text").status, tunnel.mock_calls)
        """
    same(code, prints="opened True\n900\n900\n200 [call()]\n")


def test_a_proxy_of_the_suites_own_sees_what_it_fails(same):
    code = """
        import requests, threading
        got, server = [], socket.create_server(("127.0.0.1", 0))
        def serve():
            while True:
                with server.accept()[0] as connection:
                    head = b""
                    while not head.endswith(b"\\r\\n\\r\\n"):  # it may come in pieces
                        head += connection.recv(65536)
                    got.append(head.split(b" ")[0])
        threading.Thread(target=serve, daemon=True).start()
        proxy = "http://127.0.0.1:%d" % server.getsockname()[1]
        for url in ("http://example.org/", "https://example.org/"):
            print(said(requests.get, url, proxies={"http": proxy, "https": proxy}, timeout=20))
        print(got)
        """
    same(code, prints="ProxyError\nConnectionError\n[b'GET', b'CONNECT']\n")


def test_a_connect_that_a_suite_wraps(same):
    code = """
        import functools
        seen = []
        for cls in (http.client.HTTPConnection, urllib3.connection.HTTPConnection):
            def connect(self, real=cls.connect):
                seen.append(type(self).__module__)
                return real(self)
            cls.connect = connect
        with pool(ORIGIN) as p:
            print(p.request("GET", "/text").status)
        c = plain(ORIGIN)
        c.request("GET", "/text")
        print(c.getresponse().status, seen)
        """
    same(code, prints="200\n200 ['urllib3.connection', 'http.client']\n")


def test_no_descriptor_is_left(same):
    code = """
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            c = plain(ORIGIN)
            c.connect()
            c.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            c.request("GET", "/text")
            c.getresponse().read()
            c.close()
        print(len(os.listdir("/proc/self/fd")) - before < 10)
        """
    same(code, prints="True\n")


def test_a_request_whose_answer_is_never_asked_for(same):
    code = """
        from unittest import mock
        c = plain(ORIGIN)
        c.request("GET", "/text?1")
        c.close()
        with mock.patch("http.client.HTTPConnection.getresponse", side_effect=OSError):
            c.request("GET", "/text?2")
            print(said(c.getresponse))
        c.close()
        with pool(ORIGIN, retries=False) as p, mock.patch(
            "urllib3.connection.HTTPConnection.getresponse", side_effect=KeyError
        ):
            print(said(p.request, "GET", "/text?3"))
        c.request("GET", "/text?4")
        response = c.response_class(c.sock, method="GET")
        c.close()
        response.close()
        """
    same(code, prints="OSError\nKeyError\n")


def test_a_connection_to_a_known_origin_waits_for_its_request(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("""if True:
        import http.client, os, sys
        c = http.client.HTTPConnection(os.environ["ORIGIN"][7:])
        if sys.argv[1] == "/other":
            c.connect()
            print("connected", flush=True)
        c.request("GET", sys.argv[1])
        print(c.getresponse().status)
        """)
    with Origin() as origin:
        env = CAPTURE | {"ORIGIN": origin.url}
        command = [sys.executable, str(path)]
        made = recordbake("record", "--", *command, "/text", cwd=tmp_path, env=env)
    assert made.returncode == 0, made.stderr
    result = recordbake("replay", "--strict", "--", *command, "/other", cwd=tmp_path, env=env)
    assert (result.returncode, result.stdout) == (10, "connected\n")
    assert f"recordbake blocked GET {origin.url}/other: it is not in" in result.stderr
