"""Runs programs, which are lines of Python, and writes down all that they can see.

``python interpreter.py PROGRAMS SEEN``: PROGRAMS is JSON, name -> [client, lines]; SEEN is written,
name -> what each line gave, raised, warned of, logged and had called. Names of hosts are of the
program's own, so that no program is answered with what another one recorded.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import os
import pickle  # noqa: F401  # for programs
import re
import signal
import socket
import sys
import threading
import time
import types
import warnings
from collections import OrderedDict
from contextlib import suppress
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

PORT, TLS_PORT, DEAD = (int(os.environ.get(f"LAB_{n}", "1")) for n in ("PORT", "TLS", "DEAD"))
DEEPEST, LONGEST = 7, 800
calls: list = []


def _resolving():
    """Names under .test and .example are this machine's; no other name is looked up."""
    real = socket.getaddrinfo

    def getaddrinfo(host, *args, **kwargs):
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name in ("127.0.0.1", "::1"):
            return real(host, *args, **kwargs)
        if name == "localhost" or (name.endswith((".test", ".example")) and len(name) < 200):
            return real("127.0.0.1", *args, **kwargs)
        raise socket.gaierror(-2, "Name or service not known")

    socket.getaddrinfo = getaddrinfo


def plain(text):
    """Without what differs from run to run: addresses, ports, boundaries."""
    text = re.sub(r"0x[0-9a-f]{6,}", "0x", text)
    text = re.sub(r"(boundary=|--)[0-9a-f]{32}", r"\1B", text)
    for port, name in ((PORT, "PORT"), (TLS_PORT, "TLS"), (DEAD, "DEAD")):
        text = text.replace(f":{port}", f":{name}").replace(f"={port}", f"={name}")
    return text


def _cookie(cookie):
    return [
        cookie.domain, cookie.path, cookie.name, cookie.value, cookie.secure, cookie.discard,
        cookie.domain_specified, cookie.path_specified, cookie.expires is None, sorted(cookie._rest)
    ]  # fmt: skip


def _request(request):
    return [request.method, request.url, request.headers, request.body, request._cookies]


def _httpx_request(request):
    content = getattr(request, "_content", "none")
    return [request.method, request.url, request.headers, content, sorted(vars(request))]


#: How what clients give is seen, by the name of its class behind the module.
_SEEN = {
    "CaseInsensitiveDict": lambda x: list(x.items()),
    "HTTPHeaderDict": lambda x: list(x.items()),
    "RequestsCookieJar": lambda x: list(map(_cookie, x)),
    "CookieJar": lambda x: list(map(_cookie, x)),
    "Cookies": lambda x: list(map(_cookie, x.jar)),
    "Headers": lambda x: [x.raw, x._encoding],
    "URL": lambda x: [str(x), repr(x._uri_reference)],
    "PreparedRequest": _request,
    "Request": _httpx_request,
    "timedelta": lambda x: "some time",
}


def see(value, depth=0):  # noqa: PLR0911  # one for each kind
    """Anything, as what JSON can hold."""
    kind = type(value)
    if depth > DEEPEST or value is None or kind in (bool, int):
        return value if depth <= DEEPEST else "..."
    if kind in (str, bytes, bytearray):
        return _text(value)
    if isinstance(value, BaseException):
        return error(value, depth)
    if kind in (list, tuple):
        return [kind.__name__, *(see(item, depth + 1) for item in value)]
    if kind in (dict, OrderedDict):
        return {kind.__name__: [[see(k), see(v, depth + 1)] for k, v in value.items()]}
    if kind.__name__ in _SEEN and kind.__module__.partition(".")[0] != "__main__":
        return {f"{kind.__module__}.{kind.__name__}": see(_SEEN[kind.__name__](value), depth + 1)}
    shown = value.__qualname__ if isinstance(value, types.FunctionType) else repr(value)
    return f"{kind.__module__}.{kind.__qualname__} {plain(shown)[:300]}"


def _text(value):
    text = value if isinstance(value, str) else value.decode("latin-1")
    digest = hashlib.sha256(plain(text).encode("utf-8", "surrogatepass")).hexdigest()[:10]
    text = plain(text[:LONGEST]) if len(text) <= LONGEST else f"{plain(text[:99])}... {digest}"
    return text if type(value) is str else f"{type(value).__name__}:{text}"


def error(raised, depth=0):
    """An exception with what it was raised from; with its context where httpx shows it."""
    if depth > DEEPEST:
        return "..."
    kind = type(raised)
    found = {"error": f"{kind.__module__}.{kind.__qualname__}", "text": plain(str(raised))[:600]}
    found["args"] = see(list(raised.args), depth + 1)
    library = kind.__module__.partition(".")[0]
    below = ["__cause__", "__context__"] if library.startswith("http") else ["__cause__"]
    for name in (*below, "response", "_request", "pool", "reason", "errno"):
        if getattr(raised, name, None) is not None:
            found[name] = see(getattr(raised, name), depth + 1)
    return found


_patches: list = []
_none = object()


def _find(path):
    """The object that has a name, and the name: of "module.Class.method", say."""
    parts = path.split(".")
    end = next(n for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in sys.modules)
    owner = sys.modules[".".join(parts[:end])]
    for part in parts[end:-1]:
        owner = getattr(owner, part)
    return owner, parts[-1]


def put(owner, name, value):
    """Replace a member, as monkeypatch does."""
    _patches.append((owner, name, vars(owner).get(name, _none)))
    setattr(owner, name, value)


def undo():
    """Take the last replacement back."""
    if _patches:
        owner, name, before = _patches.pop()
        delattr(owner, name) if before is _none else setattr(owner, name, before)


def spy(path, how="seen", value=None):
    """Have calls of a function noted; ``how``: also "raise" or "value", instead of it."""
    owner, name = _find(path)
    held = vars(owner).get(name, getattr(owner, name, None))
    original = held.fget if isinstance(held, property) else getattr(held, "__func__", held)

    @functools.wraps(original)
    def wrapper(*args, **kwargs):
        calls.append([path, len(args), sorted(kwargs)])
        if how == "raise":
            raise value
        return value if how == "value" else original(*args, **kwargs)

    kind = type(held) if isinstance(held, (staticmethod, classmethod, property)) else None
    put(owner, name, wrapper if kind is None else kind(wrapper))


def mocked(path, function):
    """What a function gives while one of Python's own is a mock that fails."""
    import_module(path.rpartition(".")[0])
    owner, name = _find(path)
    before = getattr(owner, name)

    def broken(*_args, **_kwargs):
        raise LookupError("a mock")

    setattr(owner, name, broken)
    try:
        return function()
    finally:
        setattr(owner, name, before)


def env(**variables):
    """Set variables of the environment; None deletes one."""
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value.replace("DEAD", str(DEAD)).replace("PORT", str(PORT))


class _Handler(logging.Handler):
    def emit(self, record):
        text = plain(record.getMessage())
        # Known limits: a pool counts no connections, httpcore's log has none.
        if not text.startswith("Starting new") and not record.name.startswith("httpcore"):
            calls.append(["log", record.name, record.levelname, text])


_handler = _Handler()


def log(level):
    """Have log records of a level and above noted; None for none."""
    root = logging.getLogger()
    root.removeHandler(_handler)
    root.setLevel(level or logging.WARNING)
    if level:
        root.addHandler(_handler)


def threaded(function):
    """What a function gives in another thread."""
    found: list = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def forked(function):
    """What a function gives in a process that was forked."""
    end, begin = os.pipe()
    child = os.fork()
    if not child:
        try:
            found = see(function())
        except BaseException as raised:  # noqa: BLE001
            found = error(raised)
        os.write(begin, json.dumps(found).encode()[:60_000])
        os._exit(0)
    os.close(begin)
    os.waitpid(child, 0)
    with os.fdopen(end, "rb") as stream:
        return json.loads(stream.read())


class HangError(BaseException):
    """A line that takes too long: a limit of the test, which passes such a program by."""


def _hang(*_):
    raise HangError


def _no_long_sleep():
    real = time.sleep

    def sleep(seconds):
        calls.append(["sleep", round(seconds)]) if seconds > 0.3 else real(seconds)

    time.sleep = sleep


def _compiled(line):
    """A line as code: one that is no expression gives None."""
    try:
        return compile(line, "<line>", "eval")
    except SyntaxError:
        return compile(line, "<line>", "exec")


def run_line(line, names):
    """All that can be seen of one line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        signal.setitimer(signal.ITIMER_REAL, 5)
        try:
            found = see(eval(_compiled(line), names))
        except BaseException as raised:  # noqa: BLE001
            found = error(raised)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    warned = [
        [w.category.__name__, plain(str(w.message)), Path(w.filename).name]
        for w in caught
        if not issubclass(w.category, ResourceWarning)
    ]
    seen = [line, found, warned, list(calls)]
    calls.clear()
    return seen


def run_program(name, client, lines):
    """What each line of a program saw; all that it changed of the process is put back."""
    from tests.differential import names

    tag = re.sub("[^a-z0-9]", "", name.lower())[-40:]
    base = f"http://{tag}.test:{PORT}"
    known = {
        "BASE": base, "OTHER": base.replace("//", "//other"), "TAG": tag, "PORT": PORT,
        "TLS": f"https://localhost:{TLS_PORT}", "NOBODY": f"http://localhost:{DEAD}",
        **{name: import_module(name) for name in _MODULES},
        **{name: globals()[name] for name in _GIVEN},
    }  # fmt: skip
    known.update(getattr(names, client.replace("async-", "of_async_", 1))(base))
    before = dict(os.environ)
    calls.clear()
    seen = [run_line(line, known) for line in lines]
    while _patches:
        undo()
    log(None)
    os.environ.clear()
    os.environ.update(before)
    with suppress(Exception):
        known["end"](known)
    return seen


_MODULES = ("copy", "http", "io", "json", "os", "pickle", "socket", "sys", "time")
_GIVEN = ("calls", "put", "undo", "spy", "mocked", "env", "log", "threaded", "forked")


def main(programs, seen):
    """Run all programs of a file."""
    _resolving()
    _no_long_sleep()
    signal.signal(signal.SIGALRM, _hang)
    found = {
        name: run_program(name, client, lines)
        for name, (client, lines) in json.loads(Path(programs).read_text()).items()
    }
    Path(seen).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
