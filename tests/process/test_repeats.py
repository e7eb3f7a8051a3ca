"""What a hooked client need not do again: nobody sees it, and it is really not done."""

from __future__ import annotations

import json
import sys
import textwrap

import pytest

from tests.process.test_hook import CAPTURE, outcomes, record_then_replay
from tests.support.cli import alone
from tests.support.origin import Origin

PREAMBLE = """
import collections, json, os, sys

BASE = {base!r}
def tried(function, *args, **kwargs):
    try:
        return repr(function(*args, **kwargs))
    except Exception as error:
        return [type(error).__name__, str(error)]
"""

REQUESTS = {
    "proxies of a changing environment": """
import inspect, requests, urllib.request
from requests import utils
print(urllib.request.getproxies is urllib.request.getproxies_environment is utils.getproxies)
print(inspect.signature(utils.getproxies), utils.getproxies.__name__, utils.getproxies.__module__)
session = requests.Session()
def seen():
    session.get(BASE + "/text").status_code
    return [utils.get_environ_proxies(url) for url in (BASE, "http://a.example/", "http://b.example:8/")]
found = [seen()]
for assigned in '''no_proxy=localhost HTTP_PROXY=http://one:1 Http_Proxy=http://two:2
        REQUEST_METHOD=GET NO_PROXY=localhost,a.example no_proxy=* no_proxy= http_proxy=http://three:3
        no_proxy=localhost'''.split():
    name, _, value = assigned.partition("=")
    os.environ[name] = value
    found.append(seen())
del os.environ["REQUEST_METHOD"]
found.append(seen())
real, os.environ = os.environ, {"no_proxy": "localhost", "https_proxy": "x:1"}
found.append(seen())
os.environ = real
found.append(seen())
print(json.dumps(found))
""",
    "proxies that a test replaces": """
import requests, urllib.request
from unittest import mock
calls = []
def fake(*args):
    calls.append(args)
    return {}
session = requests.Session()
for target in ("requests.utils.getproxies", "requests.utils.proxy_bypass",
               "urllib.request.getproxies_environment", "urllib.request.getproxies"):
    with mock.patch(target, fake):
        session.get(BASE + "/text")
    print(target, len(calls))
session.get(BASE + "/text")
print(len(calls))
""",
    "settings as mappings": """
import requests
from requests import sessions, structures, utils
class Items:
    def items(self):
        return [("a", 1)]
class Blocked(dict):
    items = None
class Own(dict):
    def items(self):
        return [("own", 1)]
Ordered = collections.OrderedDict
marked = Ordered(a=1)
marked.items = lambda: [("marked", 2)]
values = [None, {}, {"a": 1}, Ordered(b=2), structures.CaseInsensitiveDict(C="3"), Items(),
          Blocked(a=1), Own(a=1), marked, [("d", 4)], "text", b"bytes", True, 7, 1.5, object,
          ("e", "f"), {("g", 5)}]
print(json.dumps([tried(utils.to_key_val_list, value) for value in values]))
print(utils.to_key_val_list is sessions.to_key_val_list is requests.models.to_key_val_list)
print(utils.to_key_val_list.__name__, utils.to_key_val_list.__doc__)
session = requests.Session()
session.headers = {"X-Own": "1"}
session.params = Own(a=1)
changes = {"X-Own": None, "X-B": "2"}
answer = session.get(BASE + "/text", params={"q": None, "p": "1"}, headers=changes)
print(answer.request.url.replace(BASE, ""), dict(answer.request.headers))
real = structures.CaseInsensitiveDict.items
structures.CaseInsensitiveDict.items = lambda self: [*real(self), ("X-Late", "1")]
print(dict(session.get(BASE + "/text").request.headers).get("X-Late"))
encode = requests.models.RequestEncodingMixin._encode_params
file = Ordered()
file.read = lambda: "read"
kinds = Ordered(), {}, file, Ordered(a=[1, 2]), "", b"x", [], None, ()
print([tried(encode, data) for data in kinds])
print([tried(requests.Request("GET", BASE, params=data).prepare) for data in (Ordered(), {}, file)])
calls, urlencode = [], requests.models.urlencode
requests.models.urlencode = lambda *args, **kwargs: calls.append(args) or urlencode(*args, **kwargs)
requests.get(BASE + "/text")
print(calls)
utils._SupportsItems = int
print(tried(utils.to_key_val_list, {"a": 1}))
""",
    "URLs": """
import requests, urllib.parse
parse = requests.utils.urlparse
print([getattr(requests, name).urlparse is parse for name in ("compat", "sessions", "cookies")])
urls = [BASE, BASE + "/a;b?c#d", "", "//x", "http://[::1", "http://[x]/", "http://x:y/", b"http://x/",
        None, 7, "http://\u2100.example/", "HTTP://X/", "x" * 3000, "http://x/\\n"]
for _ in range(2):
    for url in urls:
        print(tried(parse, url), tried(parse, url, "ftp"), tried(parse, url, allow_fragments=False))
        print(tried(lambda: parse(url).port))
class Text(str):
    pass
print(tried(parse, Text(BASE)), tried(requests.get, "http://x:y/"))
calls, urlsplit = [], urllib.parse.urlsplit
urllib.parse.urlsplit = lambda *args, **kwargs: calls.append(args) or urlsplit(*args, **kwargs)
parse(BASE), parse(BASE)
print(len(calls))
""",
    "cookies": """
import http.cookiejar, logging, requests, time
from requests.cookies import RequestsCookieJar
session = requests.Session()
def jar():
    own = session.cookies
    now = own._now == own._policy._now, type(own._now).__name__
    return [(c.name, c.value, c.path) for c in own], now
for path in "/text /headers /text /cookie-back".split():
    session.get(BASE + path)
    print(path, jar())
time.time, real = (lambda: 4102444800.5), time.time
session.get(BASE + "/text")
time.time = real
print(session.cookies._now, session.cookies._policy._now)
header = requests.cookies.get_cookie_header
for url in (BASE, "http://[", "", None, "/x", "http://\u2100.example/", "http://x", "http://x/[",
            b"http://x/"):
    for cookies in ({}, {"a": "b"}):
        asked = requests.PreparedRequest()
        asked.url, asked.headers = url, {}
        own = requests.cookies.cookiejar_from_dict(cookies)
        found = tried(header, own, asked)
        print(url, found, hasattr(own, "_now"), hasattr(own._policy, "_now"))
asked.url, own = BASE, http.cookiejar.CookieJar()
print(tried(header, own, asked), tried(header, None, asked), hasattr(own, "_now"))
calls = []
class Empty(RequestsCookieJar):
    def add_cookie_header(self, request):
        calls.append("sent")
        return super().add_cookie_header(request)
header(Empty(), asked)
own = RequestsCookieJar()
own.clear_expired_cookies = lambda: calls.append("expired")
header(own, asked)
real = RequestsCookieJar._cookie_attrs
RequestsCookieJar._cookie_attrs = lambda *args: calls.append("attrs") or real(*args)
header(RequestsCookieJar(), asked)
RequestsCookieJar._cookie_attrs = real
print(calls)
calls = []
class Jar(RequestsCookieJar):
    def extract_cookies(self, response, request):
        calls.append(type(response).__name__)
        return super().extract_cookies(response, request)
session.cookies = Jar()
session.get(BASE + "/text")
session.cookies = RequestsCookieJar()
session.cookies.extract_cookies = lambda *args: calls.append("instance")
session.get(BASE + "/text")
session.cookies = RequestsCookieJar()
make_cookies = RequestsCookieJar.make_cookies
RequestsCookieJar.make_cookies = lambda *args: calls.append("class") or make_cookies(*args)
session.get(BASE + "/text")
RequestsCookieJar.make_cookies = make_cookies
stand_in = requests.cookies.MockRequest
requests.cookies.MockRequest = lambda *args: calls.append("stand-in") or stand_in(*args)
session.cookies = RequestsCookieJar()
session.get(BASE + "/text")
requests.cookies.MockRequest = stand_in
print(calls)
http.cookiejar.debug = True
lines = []
http.cookiejar._debug("first")
handler = logging.Handler()
handler.emit = lambda record: lines.append(record.msg)
http.cookiejar.logger.addHandler(handler)
http.cookiejar.logger.setLevel(logging.DEBUG)
session.get(BASE + "/text")
print("extract_cookies: %s" in lines)
""",
}

HTTPX = {
    "cookies": """
import http.cookiejar, logging, time
client = httpx.Client()
def jar():
    own = client.cookies.jar
    now = own._now == own._policy._now, type(own._now).__name__
    return [(c.name, c.value, c.path) for c in own], now
for path in "/text /headers /text /cookie-back".split():
    answer = client.get(BASE + path)
    print(path, jar(), dict(answer.cookies))
    print(answer.headers._encoding, answer.request.headers._encoding)
time.time, real = (lambda: 4102444800.5), time.time
client.get(BASE + "/text").cookies
time.time = real
print(client.cookies.jar._now, client.cookies.jar._policy._now)
calls = []
class Jar(http.cookiejar.CookieJar):
    def extract_cookies(self, response, request):
        calls.append(type(response).__name__)
        return super().extract_cookies(response, request)
client = httpx.Client(cookies=Jar())
client.get(BASE + "/text")
client = httpx.Client()
client.cookies.jar.extract_cookies = lambda *args: calls.append("instance")
client.get(BASE + "/text")
make_cookies = http.cookiejar.CookieJar.make_cookies
http.cookiejar.CookieJar.make_cookies = lambda *args: calls.append("class") or make_cookies(*args)
httpx.Client().get(BASE + "/text")
http.cookiejar.CookieJar.make_cookies = make_cookies
class Response(httpx.Cookies._CookieCompatResponse):
    def info(self):
        calls.append("stand-in")
        return super().info()
stand_in, httpx.Cookies._CookieCompatResponse = httpx.Cookies._CookieCompatResponse, Response
httpx.Client().get(BASE + "/text")
httpx.Cookies._CookieCompatResponse = stand_in
print(calls)
def changed(response):
    print(tried(response.headers.__setitem__, "X-Own", "caf\u00e9"))
client = httpx.Client(event_hooks={"response": [changed]})
print(tried(client.get, BASE + "/text"))
http.cookiejar.debug = True
http.cookiejar._debug("first")
lines = []
handler = logging.Handler()
handler.emit = lambda record: lines.append(record.msg)
http.cookiejar.logger.addHandler(handler)
http.cookiejar.logger.setLevel(logging.DEBUG)
httpx.Client().get(BASE + "/text")
print("extract_cookies: %s" in lines)
""",
    "cookies of responses that nobody was asked for": """
def cookies(url, *fields, request=True):
    asked = httpx.Request("GET", url) if request else None
    response = httpx.Response(200, headers=list(fields), request=asked)
    return dict(response.cookies), response.headers._encoding
heads = [(), (("X-A", "b"),), (("Set-Cookie", "a=b"),), (("SET-COOKIE", "a=b"), ("X", "y")),
         ((b"X-Latin", b"caf\\xe9"),), (("X Y", "z"), ("set-cookie2", "a=b"))]
for url in ("http://x.example/", "/relative", "ftp://x.example/", "", "https://[::1]:8/"):
    for fields in heads:
        print(url, tried(cookies, url, *fields), tried(cookies, url, *fields, request=False))
""",
    "URLs": """
urls = [BASE + "/text", BASE + "/text?q=%20 a", "", "/", "//", "http://", "http://x:y",
        "http://[::1", "HTTP://ABC:80/../a", "http://a b/", "http://x/\\n", "x" * 70000,
        "http://m\u00fcller.example/\u00fc?\u00fc#\u00fc", "a:b", "mailto:x@y", 7, None, b"x"]
for _ in range(3):
    for url in urls:
        print(tried(httpx.URL, url), tried(lambda: httpx.URL(url).join("q")))
        print(tried(lambda: httpx.URL(url).copy_with(path="/p")))
class Text(str):
    def __len__(self):
        return 1 << 30
print(tried(httpx.URL, Text("http://x/")), tried(httpx.URL, "http://x/"))
client = httpx.Client(base_url=BASE)
print([client.get("/text").status_code, client.get("/text").status_code])
parser = sys.modules[httpx.__name__ + "._urlparse"]
calls, real = [], parser.quote
parser.quote = lambda *args, **kwargs: calls.append(1) or real(*args, **kwargs)
httpx.URL(BASE + "/text"), httpx.URL(BASE + "/text")
print(len(calls) > 1, len(calls) % 2)
parser.quote = real
parser.MAX_URL_LENGTH = 5
print(tried(httpx.URL, BASE + "/text"))
""",
}

COUNTING = """
counts, watched = collections.Counter(), {watched}
def profile(frame, event, _):
    name = frame.f_code.co_name
    if event == "call" and frame.f_globals.get("__name__") == watched.get(name, "-"):
        counts[name] += 1
ask(BASE + "/text")
sys.setprofile(profile)
for _ in range(5):
    ask(BASE + "/text")
sys.setprofile(None)
print(json.dumps(counts))
"""
REQUESTS_COUNTED = "import requests\nask = requests.get\n" + COUNTING.format(
    watched={
        "getproxies_environment": "urllib.request", "extract_cookies": "http.cookiejar",
        "to_key_val_list": "requests.utils", "_is_callable_members_only": "typing",
        "add_cookie_header": "http.cookiejar", "urlparse": "urllib.parse",
    }
)  # fmt: skip
HTTPX_COUNTED = "ask = httpx.Client().get\n" + COUNTING.format(
    watched={
        "extract_cookies": "http.cookiejar",
        "urlparse": "httpx._urlparse",
        "_prepare": "httpx._models",
    }
)
HTTPX_START = "import {} as httpx\n"

COUNTED = "counted"
WAYS = {
    "requests": REQUESTS | {COUNTED: REQUESTS_COUNTED},
    "httpx": {
        name: HTTPX_START.format("httpx") + code
        for name, code in (HTTPX | {COUNTED: HTTPX_COUNTED}).items()
    },
    "httpx2": {  # it passes by cookies itself
        name: HTTPX_START.format("httpx2") + code
        for name, code in {
            "URLs": HTTPX["URLs"], COUNTED: HTTPX_COUNTED.replace("httpx._", "httpx2._")
        }.items()
    },
}  # fmt: skip

RUN_ALL = """
import json, subprocess, sys
printed = {}
for name, code in json.loads(sys.argv[1]).items():
    command = [sys.executable, "-c", code]
    printed[name] = subprocess.run(command, check=True, stdout=-1, text=True).stdout
print(json.dumps(printed))
"""


@pytest.mark.parametrize("client", WAYS)
def test_nobody_sees_what_is_not_done_again(tmp_path, client):
    with Origin() as origin:
        start = textwrap.dedent(PREAMBLE).format(base=origin.url)
        ways = {name: start + code for name, code in WAYS[client].items()}
        command = [sys.executable, "-c", RUN_ALL, json.dumps(ways)]
        live = json.loads(alone(command, tmp_path, CAPTURE))
        recorded, replayed = record_then_replay(tmp_path, origin, command)
    repeated = set(json.loads(live.pop(COUNTED)))
    assert repeated
    for run in (recorded, replayed):
        printed = json.loads(run.stdout)
        assert repeated.isdisjoint(json.loads(printed.pop(COUNTED)))
        assert printed == live
    assert replayed.returncode == 0, replayed.stderr
    assert set(outcomes(tmp_path, "*strict*")) == {"hit"}
