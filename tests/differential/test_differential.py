"""A suite sees the same live, recorded and replayed: whatever it calls, changes and replaces.

``python -m tests.differential 500 SEED`` runs longer, by hand.
"""

from __future__ import annotations

import pytest

from tests.differential.__main__ import CLIENTS
from tests.differential.generating import Generator
from tests.differential.running import differences, run, told

#: Programs of each client at random.
NUMBER = 8
ASKED = "s.get(BASE + '/text').content"
BODY = "s.post(BASE + '/echo', json={'b': 1, 'a': [2]}).content"

REQUESTS = {
    "values that a client cannot use": [
        "s.get(BASE + '/text', timeout=float('nan'))",
        "s.get(BASE + '/text', timeout=Decimal('5'))",
        "s.get(BASE + '/text', timeout=float('inf'))",
        "s.get('http://a..%s.example:%d' % (TAG, PORT))",
        "s.get('http://' + 'a' * 64 + '.%s.example:%d' % (TAG, PORT))",
        ASKED,
        "s.get(BASE + '/text', timeout=float('nan'))",
        "s.get(BASE + '/text', timeout=float('inf'))",
    ],
    "a timeout of a connection that is used again": [
        "s.get(BASE + '/text')",
        "s.patch(BASE + '/echo', timeout=Decimal('5'), data=Str('sub'))",
        "s.patch(BASE + '/text', timeout=float('nan'))",
        "s.patch(BASE + '/text', timeout=0)",
        "s.patch(BASE + '/text', timeout=4)",
    ],
    "a coding that was not asked for": [
        "len(urlopen(BASE + '/gzip').read())", "len(s.get(BASE + '/gzip').content)",
        "len(urlopen(BASE + '/gzip').read())",
    ],
    "a key of pools of one's own": ["s.mount('http://', KeyAdapter())", "s.get(BASE + '/text')"],
    **{
        f"a spy on {path}": [ASKED, f"spy({path!r})", ASKED, "s.get(BASE + '/set-and-go').url"]
        for path in (
            "requests.adapters.select_proxy", "requests.models.PreparedRequest.path_url",
            "requests.adapters._urllib3_request_context",
            "urllib3.poolmanager.PoolManager.connection_from_context",
            "urllib3.poolmanager.PoolManager._merge_pool_kwargs",
            "urllib3.util.retry.Retry.is_retry",
            "urllib3.connectionpool.HTTPConnectionPool._get_timeout",
        )
    },
    "another class for timeouts": ["put(requests.adapters, 'TimeoutSauce', MyTimeout)", ASKED],
    **{
        f"{path} is a mock": [f"mocked({path!r}, lambda: {asked})" for asked in (ASKED, BODY)]
        + [f"mocked({path!r}, lambda: len(s.get(BASE + '/large').content))"]
        for path in (
            "json.loads", "json.dumps", "hashlib.sha256", "builtins.open", "io.open", "os.write",
            "os.close", "os.getpid", "os.stat", "os.path.join", "os.path.basename", "os.urandom",
            "sqlite3.connect", "re.sub",
        )
    },
}  # fmt: skip
URLLIB3 = {
    "values that a client cannot use": [
        f"{way}.request('GET', {url}, timeout={value})"
        for way, url in (("p", "BASE + '/text'"), ("own", "'/text'"))
        for value in ("None", "float('nan')", "float('inf')", "Decimal('5')", "Timeout(5)")
    ],
    "spies on what a pool makes": [
        "p.request('GET', BASE + '/text').data",
        "spy('urllib3.response.HTTPResponse.__init__')",
        "p.request('GET', BASE + '/text').data",
        "spy('urllib3.response.HTTPResponse.__init__', 'raise', KeyError('x'))",
        "p.request('GET', BASE + '/text')",
    ],
}
MOVED = "run(s.post(BASE + '/do-redirect/307', content=f, follow_redirects=True))"
HTTPX = {
    "what is sent once": [
        "r = run(s.post(BASE + '/echo', content=gen()))", "r.text", "r.request.content",
        "type(r.request.stream).__name__", "r.request.read() if not is_async else None",
        "run(s.post(BASE + '/do-redirect/307', content=gen(), follow_redirects=True))",
        "run(s.post(BASE + '/do-digest', content=gen(), auth=httpx.DigestAuth('user', 'pass')))",
        "f = io.BytesIO(b'file')", MOVED, "f.tell()",
        "run(s.post(BASE + '/echo', files={'f': io.BytesIO(b'file')})).text",
    ],
    "values that a client cannot use": [
        f"run(s.get(BASE + '/text', timeout={value}))"
        for value in ("'x'", "Decimal('5')", "float('nan')", "float('inf')", "{'connect': 5}")
    ],
    "a spy on what makes a response": [
        "spy(f'{httpx.__name__}._models.Response.__init__')", "run(s.get(BASE + '/text'))",
    ],
    "a port that is none": ["run(s.get('http://localhost:99999/%s' % TAG))"],
    "what errors come from": [
        "run(s.get(NOBODY + '/' + TAG))", "run(s.get(BASE + '/text', headers={'X': 'a\\r\\n'}))",
        "run(s.get(BASE + '/cut-chunk'))", "run(s.get(BASE + '/bad-length'))",
    ],
}  # fmt: skip
NAMED = {"requests": REQUESTS, "urllib3": URLLIB3, **dict.fromkeys(CLIENTS[2:], HTTPX)}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """All differences there are."""
    programs = {}
    for client in CLIENTS:
        generator = Generator(client, "fixed")
        for number in range(NUMBER):
            programs[f"{client} {number}"] = client, generator.program()
        for name, lines in NAMED[client].items():
            programs[f"{client}: {name}"] = client, lines
    return differences(run(programs, tmp_path_factory.mktemp("lab")))


@pytest.mark.parametrize("client", CLIENTS)
def test_what_a_suite_sees_is_as_it_is_live(found, client):
    its = [one for one in found if one[0].startswith((f"{client} ", f"{client}:"))]
    assert not its, told(its)
