"""Hits that do without the wire look as those that do not, and leave a test's own mocks alone."""

from __future__ import annotations

import json
import sys
import textwrap

import pytest

from tests.process.test_hook import outcomes, record_then_replay
from tests.support.origin import Origin

SEEN = """
import json, logging, sys
import requests, urllib3

BASE = {base!r}
def seen(r):
    raw = r.raw
    body = r.content
    original = raw._original_response
    return [r.status_code, r.reason, r.url, list(raw.headers.items()), original.msg.items(),
            original.msg.get_payload(), original.version, raw.version, raw.retries.total,
            original.isclosed(), raw.isclosed(), len(body), r.encoding, sorted(r.cookies.items()),
            type(raw).__name__, raw.tell(), raw.length_remaining, [h.url for h in r.history]]

def plain():
    paths = "/text /headers /gzip /missing /redirect /chunked /large /nothing"
    return [seen(requests.get(BASE + path)) for path in paths.split()]
"""

WAYS = {
    "more headers than are taken": """
import http.client
http.client._MAXHEADERS = 1
pool = urllib3.PoolManager(retries=False)
for ask in (lambda url: requests.get(url), lambda url: pool.request("GET", url)):
    try:
        print(ask(BASE + "/text").status)
    except (requests.ConnectionError, urllib3.exceptions.HTTPError) as error:
        print(type(error).__name__, "got more than 1 headers" in str(error))
""",
    "headers that are not sent": """
pool, found = urllib3.PoolManager(), []
skip = urllib3.util.SKIP_HEADER
for headers in ({}, {"": "x"}, {"a:b": "x"}, {" a": "x"}, {"Content-Length": skip},
                {"User-Agent": skip}, {"X-Own": skip}):
    try:
        found.append(pool.request("GET", BASE + "/text", headers=headers, retries=False).status)
    except Exception as error:
        found.append([type(error).__name__, str(error)])
print(json.dumps(found))
""",
    "functions of Python that are mocks": """
from unittest import mock
names = "sys._getframe json.loads json.detect_encoding json.JSONDecoder.raw_decode"
for name in names.split() + ["json.JSONEncoder.iterencode"]:
    with mock.patch(name, mock.Mock(side_effect=RuntimeError(name))):
        as_json = {"Content-Type": "application/json"}
        print(requests.post(BASE + "/echo?" + name, data=b'{"a": [1]}', headers=as_json).text)
""",
    "plain": "print(json.dumps(plain()))",
    "post": "print(json.dumps([seen(requests.post(BASE + '/echo', data=d, json=j)) for d, j in"
    " [({'a': 'b'}, None), (b'bytes', None), (None, [1, 2])]]))",
    "a replaced pool": """
calls = []
real = urllib3.connectionpool.HTTPConnectionPool.urlopen
def urlopen(self, *a, **k):
    calls.append(a)
    return real(self, *a, **k)
urllib3.connectionpool.HTTPConnectionPool.urlopen = urlopen
found = plain()
print(json.dumps([found, len(calls)]))
""",
    "a replaced connection": """
calls = []
real = urllib3.connection.HTTPConnection.putheader
def putheader(self, name, *values):
    calls.append(name)
    return real(self, name, *values)
urllib3.connection.HTTPConnection.putheader = putheader
found = plain()
print(json.dumps([found, sorted(set(calls)), len(calls)]))
""",
    "a replaced parser": """
import http.client
calls, cls = [], http.client.HTTPResponse
def watched(name):
    real = getattr(cls, name)
    def method(self, *a, **k):
        calls.append(name)
        return real(self, *a, **k)
    return method
cls._check_close = watched("_check_close")
found = [plain()]
cls._read_status = watched("_read_status")
found.append(plain())
cls.begin = watched("begin")
found.append(plain())
print(json.dumps([found, sorted(set(calls)), len(calls)]))
""",
    "what http.client notes of a head": """
pool = urllib3.PoolManager()
r = pool.request("GET", BASE + "/headers", preload_content=False)
print(r.headers, r.getheaders() if hasattr(r, "getheaders") else "", r._fp.will_close, r._fp.length)
print(r._fp.getheaders(), r._fp.peek(1), r.read(), r._fp.closed, r._original_response.isclosed())
for path in "/nothing /unsized /text".split():
    r = pool.request("HEAD" if path == "/text" else "GET", BASE + path, preload_content=False)
    print(r.status, r.reason, r._fp.will_close, r._fp.length, r._fp.chunked, r.read()[:9])
""",
    "an adapter of one's own": """
class Adapter(requests.adapters.HTTPAdapter):
    def build_response(self, request, response):
        response.headers["X-Built"] = "here"
        return super().build_response(request, response)
session = requests.Session()
session.mount("http://", Adapter(max_retries=2))
again = session.get(BASE + "/text")
print(json.dumps([seen(session.get(BASE + "/text")), again.headers["X-Built"]]))
""",
    "statuses that are refused": """
from urllib3.util.retry import Retry
class Picky(Retry):
    def is_retry(self, method, status_code, has_retry_after=False):
        return status_code == 404
for retries in Retry(0, status_forcelist=[404]), Picky(0):
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retries))
    try:
        print(session.get(BASE + "/missing").status_code)
    except requests.RequestException as error:
        print(type(error).__name__, error)
""",
    "pools of one's own": """
calls = []
class Pool(urllib3.HTTPConnectionPool):
    def urlopen(self, method, url, *a, **k):
        calls.append(url)
        return super().urlopen(method, url, *a, **k)
session = requests.Session()
manager = session.get_adapter(BASE).poolmanager
manager.pool_classes_by_scheme = {"http": Pool}
session.get(BASE + "/text")
urllib3.poolmanager.pool_classes_by_scheme["http"] = Pool
requests.get(BASE + "/gzip")
urllib3.poolmanager.pool_classes_by_scheme["http"] = urllib3.HTTPConnectionPool
session = requests.Session()
manager = session.get_adapter(BASE).poolmanager
real = manager.connection_from_host
def connection_from_host(*a, **k):
    calls.append("own")
    return real(*a, **k)
manager.connection_from_host = connection_from_host
session.get(BASE + "/chunked")
print(calls)
""",
    "a connection that prints": """
import http.client
http.client.HTTPConnection.debuglevel = 1
requests.get(BASE + "/text", headers={"User-Agent": "x"})
urllib3.PoolManager().request("GET", BASE + "/text")
""",
    "a log": """
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="%(message)s")
requests.get(BASE + "/text")
""",
    "a pool of connections": """
pool = urllib3.PoolManager(headers={"X-Own": "1"})
for _ in range(3):
    r = pool.request("GET", BASE + "/text")
    print(r.status, r.headers, len(r.data), r.retries, r.version_string, r._original_response.msg)
print(len(pool.pools), [p.num_requests for p in pool.pools._container.values()])
""",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_shortcut_cannot_be_told_from_the_long_way(tmp_path, way):
    with Origin() as origin:
        code = textwrap.dedent(SEEN).format(base=origin.url) + WAYS[way]
        recorded, replayed = record_then_replay(tmp_path, origin, [sys.executable, "-c", code])
    assert replayed.stdout == recorded.stdout
    assert replayed.returncode == 0, replayed.stderr
    assert recorded.stdout.strip() not in ("", json.dumps([]))
    assert set(outcomes(tmp_path, "*strict*")) == {"hit"}
