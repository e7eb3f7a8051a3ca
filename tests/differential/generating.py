"""Programs at random, the same for the same seed: calls of a client, and what may come between."""

# ruff: noqa: E501  # many short choices on a line are easier to look over than one on each
from __future__ import annotations

import random

_TEXTS = """
'x'|''|'a b'|'é'|'€'|b'y'|b'\\xff'|'a\\nb'|'a\\r\\nX: y'|' lead'|'trail '|1|1.5|None|True|Str('s')|'x' * 300|'\\x00'
'%20'|[1, 2]|'\\t'
"""
_NAMES = """
'X-A'|'x-b'|b'X-C'|'X D'|''|'X:E'|' X'|'X\\n'|'é'|Str('X-S')|1|'Accept'|'content-length'|'user-agent'|'X_U'
"""
_HEADERS = """
None|{}|[]|{'X': None}|{'Accept-Encoding': None}|{'User-Agent': 'u'}|fields|{'X-A': '1', 'x-a': '2'}
{'Host': 'other.example'}|{'Range': 'bytes=0-3'}|{'If-None-Match': '"v1"'}|{'Accept-Language': 'de'}
{'Authorization': 'Bearer t'}|{'Cookie': 'own=1'}|{'Connection': 'close'}|{'Content-Type': 'x/y'}
{'Accept-Encoding': 'identity'}|[('X-A', '1'), ('X-A', '2')]
"""
_PARAMS = """
{'a': 'b'}|{'a': ['b', 'c']}|{'a': None}|{'a': 1, 'b': 2.5, 'c': True}|[('a', 'b'), ('a', 'c')]|'raw=x y'|b'raw=1'|{}|[]
''|None|{'é': '€'}|{'a b': 'c&d=e'}|{b'x': b'\\xff'}|OrderedDict(a=1)|Own(a=1)|{1: 2}|{'a': {'n': 1}}|{'a': ()}|5|object
iter([('a', 'b')])|{None: 1}
"""
_COOKIES = """
{'a': 'b'}|{'a': 'b c;d'}|{'é': 'ü'}|{'a': None}|{}|None|jar|[('a', 'b')]|{'': 'x'}|SimpleCookie('a=b')|jars.CookieJar()
"""
_TIMEOUTS = "None|5|5.0|0|-1|'x'|(1,)|True|float('nan')|float('inf')|Decimal('5')|1e9"
_PATHS = """
/text|/headers|/gzip|/missing|/chunked|/nothing|/large|/deflate|/odd-headers|/folded|/cookies|/set-and-go|/relative|/up
/no-location|/bad-location|/to-missing|/429|/500|/503|/418|/empty|/reset-content|/no-reason|/odd-reason|/close|/http-1.0
/unsized|/bad-length|/cut-chunk|/echo|/do-show/x|/do-redirect/301|/do-redirect/303|/do-redirect/307|/do-digest|/do-basic
/do-fresh|/do-vary|/interim|/cookie-back|/text|/headers|/text|/headers|/echo|/gzip|/cookie-back
"""
_BEHIND = """
?a=b|?a=b&a=c|?q=%20x|?q=a+b|?q=é|?|?a b|?a=%zz|?x=%C3%A9|#frag|?a=b#f|?[x]|?a=b;c=d|?%e4|?a='x'|?=&&|?u=http://x/y?z
"""
_ODD_PATHS = (
    "//|/./text|/a/../text|/%2e%2e/text|/é|/ |/;|/%7E|/~|/a//b|//x.example/|/text/..|/{x}|/<>|/^`|"
)
_ORIGINS = """
OTHER|'http://B.A.%s.Example:%d' % (TAG, PORT)|'http://user:pass@u%s.test:%d' % (TAG, PORT)|BASE.replace('t:', 't:0')
'http://us%%40er:p%%2Fss@u%s.test:%d' % (TAG, PORT)|'http://m\\u00fcller.%s.example:%d' % (TAG, PORT)|NOBODY|'http://'|''
'http://xn--mller-kva.%s.example:%d' % (TAG, PORT)|'http://a_b.%s.example:%d' % (TAG, PORT)|BASE[5:]|BASE[7:]|' ' + BASE
'http://a.%s.example.:%d' % (TAG, PORT)|'http://none.invalid'|'http://[::1'|'http://localhost:99999'|'http://localhost:x'
BASE.replace('http', 'ftp')|BASE.replace('//', '///')|'http://a..%s.example:%d' % (TAG, PORT)|BASE.replace('http', 'HTTP')
'http://' + 'a' * 64 + '.%s.example:%d' % (TAG, PORT)|'http://\\u2100.%s.example:%d' % (TAG, PORT)
"""
_ENVIRONMENT = """
env(http_proxy='http://localhost:DEAD')|env(http_proxy=None)|env(no_proxy='localhost')|env(no_proxy='*')|env(FOO='x')
env(HTTP_PROXY='http://localhost:DEAD')|env(all_proxy='http://localhost:DEAD')|env(http_proxy='', no_proxy='')
env(http_proxy=None, HTTP_PROXY=None, all_proxy=None, no_proxy=None)|env(REQUEST_METHOD='GET')|env(no_proxy='.test')
"""
_ANY = """
log(10)|log(20)|log(None)|undo()|undo()|spy('http.cookiejar.CookieJar.extract_cookies')
spy('http.cookiejar.CookieJar.make_cookies')|spy('http.cookiejar.CookieJar.add_cookie_header')
put(http.cookiejar.time, 'time', lambda: 4102444800.5)|put(json, 'loads', lambda *_, **__: 'patched')
"""
_BODIES = {
    "requests": """
data={'a': 'b'}|data=[('a', 'b'), ('a', 'c')]|data='text'|data=b'bytes'|data='é'|json={'a': [1]}|json=[]|data={}|data=''
files={'f': b'x'}|files={'f': ('n', b'x', 'a/b')}|data=io.BytesIO(b'file')|data=iter([b'p', b'q'])|data=gen()
json=object|data=5|data={'a': None}|data=bytearray(b'x')|data={'a': ['x', 'y']}|data=Str('sub')
""",
    "urllib3": """
body=b'x'|body='text'|body='é'|body=io.BytesIO(b'file')|body=gen()|body=b''|body=bytearray(b'x')|body=5|body=['a', b'b']
body=[1]|fields={'a': 'b'}|fields=[('a', 'b'), ('a', 'c')]|fields={'a': 1}|fields={'f': ('n', b'x')}|json={'a': 1}
""",
    "httpx": """
data={'a': 'b'}|data={'a': ['b', 'c']}|content=b'bytes'|content='é'|content=gen()|content=iter([b'p', b'q'])|json={'a': [1]}
json=object|files={'f': b'x'}|files={'f': ('n', b'x', 'a/b')}|content=io.BytesIO(b'f')|data={'a': None}|content=''|content=5
""",
}
_OPTIONS = {
    "requests": {
        "stream": "True|False|None|1", "allow_redirects": "True|False|0",
        "auth": "('u', 'p')|('ü', 'p')|('u',)|Auth()|requests.auth.HTTPDigestAuth('user', 'pass')|lambda r: r|lambda r: None|'x'",
        "verify": "True|False|None|'/nowhere'|''", "cert": "None|'/nowhere'|''",
        "proxies": "{'http': NOBODY}|{'all': NOBODY}|{'https': NOBODY}|{'http': ''}|{}|{'http': 'socks9://x'}",
        "hooks": "{'response': hook}|{'response': [hook, hook]}|{'response': raiser}|{}|{'bogus': hook}",
    },
    "urllib3": {
        "retries": "None|False|0|1|3|Retry(2)|Retry(1, redirect=0)|Retry(3, status_forcelist=[404, 500])|MyRetry(2)|Retry(None)",
        "redirect": "True|False", "preload_content": "False|False|False|True", "decode_content": "False|True",
        "release_conn": "True|False", "enforce_content_length": "False|True", "pool_timeout": "None|1",
    },
    "httpx": {
        "follow_redirects": "True|False|httpx.USE_CLIENT_DEFAULT",
        "auth": "('u', 'p')|('ü', 'p')|('u',)|Auth()|httpx.DigestAuth('user', 'pass')|lambda r: r|None|'x'",
        "extensions": "{}|{'x': 1}|None|{'timeout': {'read': 5}}",
    },
}  # fmt: skip
_CALLS = {
    "requests": """
r = s.{m}({u}{k})|r = s.{m}({u}{k})|r = s.{m}({u}{k})|r = requests.{m}({u}{k})|r = s.request({m!r}, {u}{k})
r = s.send(s.prepare_request(requests.Request('GET', {u})), stream=True)|r = threaded(lambda: s.{m}({u}{k}))
r = s.send(requests.Request('GET', {u}).prepare(), timeout=5)|forked(lambda: attributes(s.{m}({u}{k})))
""",
    "urllib3": """
r = p.request({m!r}, {u}{k})|r = p.request({m!r}, {u}{k})|r = p.request({m!r}, {u}{k})|r = urllib3.request({m!r}, {u}{k})
r = p.connection_from_url(BASE).request({m!r}, {p!r}{k})|r = own.request({m!r}, {p!r}{k})|r = p.request_encode_url({m!r}, {u})
r = threaded(lambda: p.request({m!r}, {u}{k}))|forked(lambda: attributes(p.request({m!r}, {u}{k})))
""",
    "httpx": """
r = run(s.{m}({u}{k}))|r = run(s.{m}({u}{k}))|r = run(s.{m}({u}{k}))|r = run(s.request({m!r}, {u}{k}))
r = run(s.send(s.build_request('GET', {u}), stream=True))|r = run(s.send(s.build_request('GET', {u}), stream=True))
r = run(s.send(httpx.Request('GET', {u}), follow_redirects=True))|r = httpx.get({u})
""",
}
_READING = {
    "requests": """
r.content|r.text|r.json()|list(r.iter_content(7))|list(r.iter_content(None))|list(r.iter_content(0))|list(r.iter_lines())
list(r.iter_lines(9, delimiter='o'))|next(r.iter_content(10))|r.raw.read(5)|r.raw.read(5, decode_content=True)|r.raw.read()
r.raw.read(0)|list(r.raw.stream(3))[:5]|r.raw.readline()|list(r.raw)[:4]|r.raw.read1(4)|r.raw.readinto(bytearray(6))
r.close()|r.raw.close()|r.raw.release_conn()|r.raw.drain_conn()|r.raw.data|io.BufferedReader(r.raw, 10).read(15)|list(r)[:2]
""",
    "urllib3": """
r.data|r.read()|r.read(5)|r.read(0)|r.read(5, decode_content=True)|r.read(cache_content=True)|r.read1(4)|r.close()
list(r.stream(3))[:5]|list(r.stream(None))|list(r)[:4]|r.readline()|list(r.read_chunked(4))[:4]|r.readinto(bytearray(6))
r.drain_conn()|r.release_conn()|r.json()|io.TextIOWrapper(r).read()|r._fp.read(3)|r._original_response.read(2)
""",
    "httpx": """
r.content|r.text|r.json()|read(r, 'read')|read(r, 'iter_bytes', 7)|read(r, 'iter_text', 5)
read(r, 'iter_lines')|read(r, 'iter_raw', 5)|read(r, 'iter_bytes', 100, most=1)|read(r, 'close')
""",
}
_LOOKING = {
    "requests": """
attributes(r)|attributes(r)|raw(r)|raw(r)|r.elapsed|[attributes(h) for h in r.history]|r.request|r.links|r.next|s.cookies
r.apparent_encoding|r.raise_for_status()|r.raw.headers|r.raw._original_response.msg.as_string()|r.cookies.get_dict()
pickle.loads(pickle.dumps(r)).content|attributes(copy.copy(r))|r.raw.retries is s.get_adapter(BASE).max_retries
sorted(vars(r.raw._fp))|sorted(vars(r.raw._fp.msg))|r.raw.geturl()|r.raw.info()|r.raw.supports_chunked_reads()
""",
    "urllib3": """
attributes(r)|attributes(r)|pools(p)|pools(p)|r.headers.getlist('set-cookie')|r.info()|sorted(vars(r._fp))|r.retries
r._original_response.msg.items()|r.readable(), r.seekable()|r._fp.will_close|r._fp.length|r._original_response.isclosed()
r._connection is not None and r._connection.timeout|p.connection_pool_kw|own.num_requests, own.num_connections|r.reason
""",
    "httpx": """
attributes(r)|attributes(r)|attributes(r)|r.elapsed|[attributes(h) for h in r.history]|r.request|r.request.content|r.links
type(r.request.stream).__name__|r.raise_for_status() is r|r.headers.multi_items()|r.headers|dict(r.cookies)|s.cookies
r.num_bytes_downloaded|pickle.loads(pickle.dumps(r)).content|attributes(pickle.loads(pickle.dumps(r)))|r.url.join('x')
r.headers.__setitem__('X-New', 'é')|r.headers.copy().raw|r._decoder.__class__.__name__|r.headers.encoding
""",
}
_SETTING = {
    "requests": """
s = requests.Session()|s = MySession()|s.headers.update({'X-S': '1'})|s.headers = {'a': 'b'}|s.params = {'sp': '1'}
s.auth = ('su', 'sp')|s.cookies.set('k', 'v')|s.cookies.set('k', 'v', domain='a.example')|s.cookies.clear()|s.stream = True
s.cookies = jars.CookieJar()|s.cookies = {'plain': 'dict'}|s.trust_env = False|s.max_redirects = 1|s.verify = False
s.proxies = {'http': NOBODY}|s.proxies.clear()|s.hooks = {'response': hook}|s.mount('http://', MyAdapter())
s.mount('http://', KeyAdapter())|s.mount('http://', requests.adapters.HTTPAdapter(max_retries=2))|s = copy.deepcopy(s)
s.mount('http://', requests.adapters.HTTPAdapter(max_retries=urllib3.Retry(0, status_forcelist=[404, 418])))
s = pickle.loads(pickle.dumps(s))|s.close()|s.cookies.set_policy(jars.DefaultCookiePolicy(allowed_domains=[]))
""",
    "urllib3": """
p = urllib3.PoolManager()|p = urllib3.PoolManager(num_pools=1)|p = urllib3.PoolManager(headers={'X-P': '1'})|p = MyManager()
p = urllib3.PoolManager(timeout=5.0, retries=2)|p = urllib3.PoolManager(retries=False)|p.clear()|p.headers['X-Q'] = '2'
p.connection_pool_kw['timeout'] = Timeout(3)|p.pool_classes_by_scheme = {'http': MyPool}|p = urllib3.ProxyManager(NOBODY)
own.retries = Retry(1)|own.timeout = Timeout(9)|own.headers['X-H'] = '1'|p = urllib3.PoolManager(socket_options=[])
""",
    "httpx": """
s = client()|s = client(headers={'X-S': '1'})|s = client(params={'sp': '1'})|s = client(auth=('su', 'sp'))|s.auth = None
s = client(follow_redirects=True)|s = client(max_redirects=1, follow_redirects=True)|s = client(trust_env=False)
s = client(event_hooks={'request': [hook], 'response': [hook]})|s = client(transport=MyTransport())|s.cookies.clear()
s = client(transport=mock())|s = client(mounts={'http://': mock()})|s = client(proxy=NOBODY)|s = client(timeout=None)
s = client(default_encoding='latin-1')|s.headers['X-T'] = '1'|s.cookies.set('k', 'v')|s.cookies = jar|s.timeout = 3
s.cookies.jar.set_policy(jars.DefaultCookiePolicy(blocked_domains=['x']))|s.params = {'q': '1'}|read(s, 'close')
""",
}
_SPIED = {
    "requests": """
requests.adapters.HTTPAdapter: send build_response cert_verify get_connection_with_tls_context
requests.adapters.HTTPAdapter: build_connection_pool_key_attributes request_url
requests.adapters: select_proxy extract_cookies_to_jar get_encoding_from_headers
requests.sessions.Session: send request
requests.sessions: get_environ_proxies extract_cookies_to_jar urlparse dispatch_hook
requests.models: get_cookie_header to_key_val_list
requests.models.PreparedRequest: path_url
requests.models.Response: iter_content
requests.utils: get_environ_proxies should_bypass_proxies to_key_val_list get_netrc_auth
requests.cookies: extract_cookies_to_jar
urllib3.connectionpool.HTTPConnectionPool: urlopen
urllib3.poolmanager.PoolManager: connection_from_host connection_from_context
urllib3.util.retry.Retry: is_retry increment
urllib3.response.HTTPResponse: read stream __init__
urllib3.connection.HTTPConnection: request getresponse
urllib.request: getproxies_environment
""",
    "urllib3": """
urllib3.connectionpool.HTTPConnectionPool: urlopen _make_request _get_conn _put_conn _get_timeout is_same_host
urllib3.poolmanager.PoolManager: urlopen connection_from_host connection_from_pool_key connection_from_context
urllib3.poolmanager: parse_url
urllib3.util.retry.Retry: is_retry increment
urllib3.connection.HTTPConnection: request getresponse
urllib3.response.HTTPResponse: read stream __init__ release_conn
http.client.HTTPConnection: putheader putrequest endheaders
http.client.HTTPResponse: begin read
""",
    "httpx": """
{}._models.Response: __init__ read elapsed iter_bytes iter_raw close _get_content_decoder
{}._models.Cookies: extract_cookies set_cookie_header
{}._models.Request: __init__
{}._urls.URL: __init__ join
{}._client: get_environment_proxies
{}._transports.default.HTTPTransport: handle_request __init__
{}._decoders.GZipDecoder: decode
urllib.request: getproxies
""",
}


def _choices(text):
    return [choice for line in text.strip().split("\n") for choice in line.split("|") if choice]


class Generator:
    """Programs of one client.

    Args:
        client: ``requests``, ``urllib3``, ``httpx``, ``httpx2``, or ``async-`` before the last two.
        seed: any text.
    """

    def __init__(self, client: str, seed: str) -> None:
        self.library = client.removeprefix("async-")
        self.kind = "httpx" if self.library == "httpx2" else self.library
        self.random = random.Random(f"{client} {seed}")

    def one(self, text):
        """One of the choices in a text."""
        return self.random.choice(_choices(text))

    def may(self, chance):
        """Whether something is to be, with this chance."""
        return self.random.random() < chance

    def url(self):
        """An expression for a URL, and the path in it."""
        path = self.one(_ODD_PATHS if self.may(0.06) else _PATHS)
        if self.may(0.3):
            path += self.one(_BEHIND)
        origin = self.one(_ORIGINS) if self.may(0.2) else "BASE"
        return f"{origin} + {path!r}", path

    def options(self, method):
        """Arguments of a call, each with a comma before it."""
        found = {}
        fields = f"{{{self.one(_NAMES)}: {self.one(_TEXTS)}}}"
        common = {"headers": fields if self.may(0.5) else self.one(_HEADERS)}
        common["timeout"] = self.one(_TIMEOUTS)
        if self.kind == "httpx" and common["timeout"] == "0":
            common["timeout"] = "3"  # what has come already is a matter of luck
        if self.kind != "urllib3":
            common |= {"params": self.one(_PARAMS), "cookies": self.one(_COOKIES)}
        found = {name: value for name, value in common.items() if self.may(0.12)}
        for name, values in _OPTIONS[self.kind].items():
            if self.may(0.1):
                found[name] = self.one(values)
        if method in ("post", "put"):
            name, _, value = self.one(_BODIES[self.kind]).partition("=")
            found[name] = value
        return "".join(f", {name}={value}" for name, value in found.items())

    def call(self):
        """A request."""
        method = self.one("get|get|get|get|get|get|head|post|put|delete|options")
        expression, path = self.url()
        form = self.one(_CALLS[self.kind])
        return form.format(
            m=method.upper() if self.kind == "urllib3" else method,
            u=expression, p=path, k=self.options(method),
        )  # fmt: skip

    def spied(self):
        """A function to be spied on."""
        owner, _, names = self.one(_SPIED[self.kind]).format(self.library).partition(": ")
        return f"spy({f'{owner}.{self.random.choice(names.split())}'!r})"

    def line(self):
        """Any line."""
        draw = self.random.random()
        if draw < 0.45:
            return self.call()
        ways = ((0.6, _READING), (0.78, _LOOKING), (0.88, _SETTING))
        for limit, texts in ways:
            if draw < limit:
                return self.one(texts[self.kind])
        if draw < 0.91:
            return self.one(_ENVIRONMENT)
        return self.spied() if draw < 0.96 else self.one(_ANY)

    def program(self):
        """Lines, some of which ask for the same again."""
        lines = [self.line() for _ in range(self.random.randint(4, 12))]
        again = [line for line in lines if line.startswith("r = ")]
        return lines + again[:2]
