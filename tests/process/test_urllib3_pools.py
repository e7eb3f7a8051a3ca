"""A hit that a pool of urllib3 answers at once leaves all as one that went the whole way."""

from __future__ import annotations

import sys

import pytest
import trustme

from tests.clients.origin import ContractOrigin
from tests.process.test_hook import outcomes, record_then_replay
from tests.support.origin import TEXT, reply

PRELUDE = """
import http.client, io, logging, queue, sys, urllib3
from urllib3 import HTTPConnectionPool, HTTPHeaderDict, HTTPSConnectionPool, PoolManager
from urllib3 import connectionpool
from urllib3.util import Retry, Timeout, parse_url

BASE = parse_url({base!r})
URL, AUTHORITY = BASE.url, {authority!r}
def make(**options):
    if BASE.scheme == "https":
        return HTTPSConnectionPool(BASE.host, BASE.port, ca_certs=AUTHORITY, **options)
    return HTTPConnectionPool(BASE.host, BASE.port, **options)

def rounded(seconds):
    return seconds and round(seconds, 1)

def connection(c, r=None):
    if c is None:
        return None
    return [rounded(c.timeout), c.sock is None or rounded(c.sock.gettimeout()), c._method,
            c._HTTPConnection__state,
            c._HTTPConnection__response is r._original_response if r is not None else None,
            c._response_options, c._has_connected_to_proxy, sorted(vars(c))]

def pools(p, r=None):
    q = p.pool and [connection(c, r) for c in p.pool.queue]
    return [p.num_requests, p.num_connections, q, p.pool and p.pool.unfinished_tasks > 0]

def response(p, r):
    o = r._original_response
    return [r.status, r.reason, r.version, getattr(r, "version_string", ""), dict(r.headers),
            list(r.headers.items()), r.length_remaining, r.tell(),
            r.retries, r.retries and r.retries.history,
            r.geturl(), r._request_url, connection(r.connection, r), r._pool is p, r.isclosed(),
            r.chunked, r.decode_content, r.enforce_content_length, r.auto_close, r.msg, r._body,
            r._has_decoded_content, sorted(vars(r)), o.isclosed(), o.will_close, o.length,
            o.msg.items(), o.version, o.chunked, o.status, type(r), type(r.headers), type(o)]

def told(call):
    try:
        return call()
    except Exception as error:
        return [type(error).__name__, str(error).split(" at 0x")[0], type(error.__cause__).__name__]

def shown(p, r):
    return [r] if isinstance(r, list) else response(p, r)
"""

CALLS = """
def streamed(p, **options):
    r = p.urlopen("GET", "/text", preload_content=False, **options)
    found = [response(p, r), pools(p, r)]
    found += [r.read(5), connection(r.connection, r), r.read(), response(p, r), pools(p, r)]
    return found

def kept(p):
    r = p.urlopen("GET", "/text", release_conn=False)
    found = [response(p, r), pools(p, r)]
    r.release_conn()
    return [*found, response(p, r), pools(p, r)]

def torn(p):
    r = p.urlopen("GET", "/text", preload_content=False)
    r.read(1)
    r.close()
    r.release_conn()
    return [response(p, r), pools(p, r)]

class Mapping(dict):
    copy = None

class Lenient(Retry):
    def is_retry(self, method, status_code, has_retry_after=False):
        CASE.append(status_code)
        return super().is_retry(method, status_code, has_retry_after)

CASE = []
GET = {
    "plain": {}, "not preloaded": {"preload_content": False},
    "not decoded": {"decode_content": False},
    "released": {"preload_content": False, "release_conn": True},
    "not redirected": {"redirect": False}, "headers": {"headers": {"X-A": "b"}},
    "more headers": {"headers": HTTPHeaderDict([("X-A", "b"), ("X-A", "c")])},
    "own mapping": {"headers": Mapping({"X-A": "b"})}, "no mapping": {"headers": [("X-A", "b")]},
    "body": {"body": b"x"}, "text": {"body": "x"}, "position": {"body_pos": 3},
    "chunked": {"chunked": True, "body": b"x"}, "unknown": {"nothing": 1}, "pool": {"pool": 1},
    "length": {"enforce_content_length": False}, "same host": {"assert_same_host": False},
    "wait": {"pool_timeout": 1}, "seconds": {"timeout": 5}, "no seconds": {"timeout": None},
    "a timeout": {"timeout": Timeout(connect=2, read=3.5)}, "default": {"timeout": Timeout()},
    "zero": {"timeout": 0}, "less": {"timeout": -1}, "true": {"timeout": True},
    "words": {"timeout": "soon"}, "false": {"retries": False}, "none": {"retries": 0},
    "three": {"retries": 3}, "retry": {"retries": Retry(2, status_forcelist=[500])},
    "forced": {"retries": Retry(0, status_forcelist=[200])},
    "not raised": {"retries": Retry(0, status_forcelist=[200], raise_on_status=False)},
    "own": {"retries": Lenient(1)}, "status none": {"retries": Retry(1, status_forcelist=None)},
}
PATHS = (
    "/text /gzip /missing /nothing /chunked /large /headers /unsized /redirect /too-much /text? /"
    " /text?a=%2F /text?a=%2f /text#f /a%20b /bad-gzip /lengths /text?a=%zz /./text"
    " /deflate /br /zstd /empty /reset-content /no-reason /odd-reason /close /bad-length"
    " /odd-headers /folded"
    " /cookies /loop /no-location /bad-location /500 /http-1.0-sized".split() + ["/a b"]
)

for path in PATHS:
    for method in ("GET", "HEAD", "OPTIONS"):
        p = make(retries=Retry(1, redirect=1, status_forcelist=[599]))
        for _ in range(3):
            r = told(lambda: p.urlopen(method, path))
            print(method, path, shown(p, r), pools(p, None if isinstance(r, list) else r))
for name, options in GET.items():
    p = make(headers={"X-Pool": "1"}, timeout=Timeout(connect=7, read=8))
    for _ in range(3):
        r = told(lambda: p.urlopen("GET", "/text", **options))
        print(name, shown(p, r), pools(p, None if isinstance(r, list) else r))
print(CASE)
for call in (streamed, lambda p: streamed(p, release_conn=True), kept, torn):
    p = make(maxsize=2)
    for _ in range(3):
        print(told(lambda: call(p)), pools(p))
p = make()
for url in (URL + "/text", URL + "/text?a", "http://else.example/", "", "*"):
    print(url, told(lambda: p.urlopen("GET", url).status), pools(p))
for method in ("get", None, 7, "POST", "PUT", "PATCH", "DELETE"):
    print(method, told(lambda: p.urlopen(method, "/text").status), pools(p))
print(p.urlopen("GET", "/text", None, {"X-A": "b"}, False).status, pools(p))
p.close()
print(told(lambda: p.urlopen("GET", "/text")), pools(p))
p = make(block=True)
r = p.urlopen("GET", "/text", preload_content=False)
print(pools(p), told(lambda: p.urlopen("GET", "/text", pool_timeout=0.01)), r.read(), pools(p))
for _ in range(2):
    print(response(p, p.urlopen("GET", "/text")), pools(p))
p = make(maxsize=1)
held = [p.urlopen("GET", "/text", preload_content=False) for _ in range(2)]
print([r.read() for r in held], pools(p), held[0].connection is held[1].connection)
print(response(p, p.urlopen("GET", "/text")), pools(p))
"""

MANAGER = """
for options in ({}, {"maxsize": 2, "block": True}, {"timeout": 3}, {"retries": 2},
                {"timeout": Timeout(4), "headers": {"X": "y"}}, {"socket_options": []}):
    m = PoolManager(2, **options)
    for path in ("/text", "/redirect", "/text?b", "/gzip"):
        r = m.request("GET", URL + path)
        (p,) = m.pools._container.values()
        print(response(p, r), pools(p, r), list(m.pools._container))
    r = m.request("GET", URL + "/redirect", redirect=False)
    print(response(p, r), pools(p, r))
    print(told(lambda: m.request("GET", URL + "/redirect", retries=1).status), pools(p))
    print(m.connection_from_host(BASE.host, BASE.port) is p,
          m.connection_from_host(BASE.host.upper(), BASE.port) is p,
          m.connection_from_host(BASE.host, BASE.port, "http", {"maxsize": 9}) is p,
          m.connection_from_host(BASE.host, BASE.port, "http", {"maxsize": 9}).pool.maxsize)
    print([k.key_maxsize for k in m.pools._container])
    a, b = (m.connection_from_url(f"https://{h}.example/") for h in "ab")
    print([k.key_host for k in m.pools._container], m.connection_from_url("https://a.example") is a)
    m.connection_from_host("c.example")
    print([(k.key_host, k.key_port) for k in m.pools._container], b.pool is None)
    m.connection_pool_kw["maxsize"] = 5
    print(m.connection_from_host(BASE.host, BASE.port).pool.maxsize)
    print(told(lambda: m.connection_from_host("")))
    print(told(lambda: m.connection_from_host("a", 1, "x")))
    m.clear()
    print(m.request("GET", URL + "/text").status, len(m.pools))
class Own(PoolManager):
    def connection_from_pool_key(self, pool_key, request_context):
        print("own", pool_key.key_host, request_context)
        return super().connection_from_pool_key(pool_key, request_context)
m = Own()
print([m.request("GET", URL + "/text").status for _ in range(2)])
m = PoolManager()
m.key_fn_by_scheme["http"] = lambda context: print("key", context) or "key"
print([m.request("GET", URL + "/text").status for _ in range(2)], list(m.pools._container))
"""

WATCHED = """
from operator import attrgetter
import urllib3.connection, urllib3.response
COUNTS = []
def counted(original):
    if isinstance(original, property):
        return property(counted(original.fget))
    def method(*a, **k):
        COUNTS.append(1)
        return original(*a, **k)
    return method
OWNERS = {
    connectionpool.HTTPConnectionPool:
        "_get_conn _get_timeout _make_request _put_conn _validate_conn is_same_host urlopen",
    urllib3.connection.HTTPConnection:
        "endheaders getresponse is_connected putheader putrequest request send",
    http.client.HTTPConnection: "getresponse putheader putrequest",
    http.client.HTTPResponse: "__init__ _check_close _read_status begin",
    Retry: "_is_method_retryable is_retry",
    connectionpool: "is_connection_dropped set_file_position",
    urllib3.connection: "HTTPHeaderDict",
    HTTPHeaderDict: "add" if sys.argv[1:] else "",
}
for owner, names in OWNERS.items():
    for name in names.split():
        p = make()
        p.urlopen("GET", "/text")
        original = vars(owner)[name] if name in vars(owner) else None
        setattr(owner, name, counted(getattr(owner, name)))
        found = [p.urlopen("GET", "/text").status for _ in range(2)]
        if original is None:
            delattr(owner, name)
        else:
            setattr(owner, name, original)
        print(owner.__name__, name, found, len(COUNTS))
        COUNTS.clear()
for name in "_get_conn _get_timeout _make_request _put_conn _validate_conn is_same_host".split():
    p = make()
    p.urlopen("GET", "/text")
    setattr(p, name, counted(getattr(p, name)))
    print(name, p.urlopen("GET", "/text").status, len(COUNTS))
    COUNTS.clear()
for name in "endheaders getresponse putheader putrequest request send response_class".split():
    p = make()
    p.urlopen("GET", "/text")
    c = p.pool.queue[-1]
    setattr(c, name, counted(getattr(c, name)))
    print(name, p.urlopen("GET", "/text").status, len(COUNTS))
    COUNTS.clear()
p = make()
p.urlopen("GET", "/text")
p._put_conn = counted(p._put_conn)
print(p.urlopen("GET", "/chunked").data, len(COUNTS))
COUNTS.clear()
for name in ("Timeout", "Retry"):
    p = make()
    p.urlopen("GET", "/text")
    own = getattr(connectionpool, name)
    setattr(connectionpool, name, None)
    print(name, told(lambda: p.urlopen("GET", "/text").status))
    setattr(connectionpool, name, own)
class Log(logging.Logger):
    def _log(self, level, message, args, **_):
        print(message % args)
connectionpool.log, own = Log("own", logging.DEBUG), connectionpool.log
p = make()
print([p.urlopen("GET", "/text").status for _ in range(2)])
connectionpool.log, own = own, http.client.HTTPResponse.__init__
def made(self, sock, *a, **k):
    print("made of", hasattr(sock, "fileno"), k)
    own(self, sock, *a, **k)
http.client.HTTPResponse.__init__ = made
print([p.urlopen("GET", "/text").status for _ in range(2)])
http.client.HTTPResponse.__init__ = own
class Retrying(Retry):
    pass
class Logged(logging.Handler):
    def emit(self, record):
        print(record.name, record.getMessage())
Retrying.is_retry = counted(Retry.is_retry)
retries = Retry(1)
retries.is_retry = counted(retries.is_retry)
p = make()
found = [p.urlopen("GET", "/text", retries=r).status for r in (retries, Retrying(1)) * 2]
print(found, len(COUNTS))
class Response(urllib3.response.HTTPResponse):
    pass
urllib3.response.HTTPResponse, own = Response, urllib3.response.HTTPResponse
print(type(p.urlopen("GET", "/text")) is Response)
urllib3.response.HTTPResponse = own
for name in ("urllib3.connectionpool", "urllib3.util.retry"):
    log = logging.getLogger(name)
    log.addHandler(Logged())
    log.setLevel(logging.DEBUG)
    print([p.urlopen("GET", "/text", retries=2).status for _ in range(2)])
    log.setLevel(logging.WARNING)
http.client.HTTPConnection.debuglevel = 1
print(p.urlopen("GET", "/text", headers={"User-Agent": "x"}).status)
"""

THREADS = """
import threading
p, found = make(maxsize=2, block=True), []
def ask(n):
    for i in range(20):
        r = p.urlopen("GET", f"/text?{(n + i) % 7}", preload_content=n % 2 == 0)
        found.append([r.status, len(r.data)])
threads = [threading.Thread(target=ask, args=(n,)) for n in range(6)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(found, p.num_connections <= 2, p.pool.qsize())
"""

#: How often urllib3's pools themselves made a request.
COUNTED = """
MADE = []
def profile(frame, event, _):
    if event == "call" and frame.f_code.co_name == "_make_request":
        MADE.append(1)
sys.setprofile(profile)
m, p = PoolManager(ca_certs=AUTHORITY if BASE.scheme == "https" else None), make()
p.request("GET", "/text")
for path in ("/text", "/gzip", "/nothing", "/missing"):
    for _ in range(2):
        m.request("GET", URL + path)
        p.request("POST", path, body=b"x", preload_content=False, retries=False, timeout=3).read()
sys.setprofile(None)
print(len(MADE), file=sys.stderr)
"""

PROGRAMS = {"threads": THREADS, "calls": CALLS, "managers": MANAGER, "watched": WATCHED}


class Wrong(ContractOrigin):
    """Says some more that clients refuse, or ask for again, once they look at a head."""

    def _bytes(self, path, method, headers, body, number):
        if path == "/lengths":
            return reply(TEXT, f"Content-Length: {len(TEXT)}, {len(TEXT) + 1}", length=False)
        if path == "/too-much":
            return reply(b"", "Retry-After: 0", status="413 Payload Too Large")
        return super()._bytes(path, method, headers, body, number)


@pytest.fixture
def run(tmp_path):
    """Run a program recording, and strictly with the server gone."""

    def run(code, authority=None):
        program, known = tmp_path / "program.py", tmp_path / "ca.pem"
        if authority is not None:
            authority.cert_pem.write_to_path(str(known))
        with Wrong(authority) as origin:
            program.write_text(PRELUDE.format(base=origin.url, authority=str(known)) + code)
            return record_then_replay(tmp_path, origin, [sys.executable, str(program)])

    return run


@pytest.mark.parametrize("tls", [False, True])
def test_a_pool_with_a_connection_at_rest_answers_itself(run, tls):
    recorded, replayed = run(COUNTED, trustme.CA() if tls else None)
    assert recorded.stderr.splitlines()[0] == "17"
    assert replayed.stderr.splitlines()[0] == "2"  # each pool's first


def check(recorded, replayed, where):
    assert replayed.stdout.splitlines() == recorded.stdout.splitlines()
    assert replayed.returncode == 0, replayed.stderr
    assert set(outcomes(where, "*strict*")) == {"hit"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_pools_and_responses_are_as_after_a_request(run, tmp_path, name):
    check(*run(PROGRAMS[name]), tmp_path)


def test_pools_of_secure_connections_are_as_after_a_request(run, tmp_path):
    check(*run(CALLS, trustme.CA()), tmp_path)
