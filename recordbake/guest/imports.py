"""Patches a client library when the process imports it, never by importing it."""

import os
import sys
from marshal import loads

from .version import PYTHON

try:  # what importlib consists of; importing that whole costs more than the hook
    from _frozen_importlib import ModuleSpec
    from _frozen_importlib_external import MAGIC_NUMBER
    from _imp import _fix_co_filename as fix_file_name  # type: ignore[attr-defined]
    from _imp import check_hash_based_pycs
    from _io import open_code
except ImportError:  # another implementation of Python
    from importlib.machinery import ModuleSpec
    from importlib.util import MAGIC_NUMBER
    from io import open_code

    check_hash_based_pycs, fix_file_name = "always", None

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType, ModuleType
    from typing import Any

    from .events import Journal

#: Module whose import triggers a patch, and the guest module that patches it.
WATCHED = {
    "http.client": "clients.http_client",
    "urllib3.connection": "clients.urllib3",
    "urllib3.poolmanager": "clients.urllib3_pools",
    "requests.adapters": "clients.requests",
    "httpx": "clients.httpx",
    "httpx2": "clients.httpx",
    "aiohttp": "clients.aiohttp",
    "httplib2": "clients.httplib2",
    "tornado.simple_httpclient": "clients.tornado",
    "tornado.curl_httpclient": "clients.tornado_curl",
    "nltk.pathsec": "clients.nltk",
    "_pytest.config": "pytest_outcomes",
    "multiprocessing.util": "multiprocessing_spawn",
    "unittest.case": "unittest_outcomes",
    "unittest.suite": "unittest_outcomes",
}
#: Those that make no requests: their ``install`` takes the settings and the journal.
_RUNNERS = frozenset({"_pytest.config", "multiprocessing.util", "unittest.case", "unittest.suite"})


def _import(name: str) -> "Any":
    """A module of the guest; importing :mod:`importlib` for it costs more than the hook."""
    full = f"{__package__}.{name}"
    __import__(full)
    return sys.modules[full]


class LazyEngine:
    """The engine, made when an adapter first asks it something.

    Most processes that import a client make no request; what a request takes (SQLite, JSON,
    digests, patterns) is not loaded for them.

    Args:
        settings: the handover's dictionary.
        journal: where events go.
    """

    def __init__(self, settings: "dict[str, Any]", journal: "Journal") -> None:
        self._settings = settings
        self._journal = journal
        #: See :class:`.engine.Engine`; known without making it.
        self.answers = settings["mode"] != "record" or settings["missing"]

    def __getattr__(self, name: str) -> "Any":
        if name.startswith("_"):
            raise AttributeError(name)
        engine = _import("engine").Engine.from_settings(self._settings, self._journal)
        # Two threads may come here at once; both go on with the same one.
        engine = self.__dict__.setdefault("_made", engine)
        for public in dir(engine):
            if not public.startswith("_") and public != "finish":
                setattr(self, public, getattr(engine, public))
        return getattr(engine, name)

    def finish(self) -> None:
        """Report what is still open, if anything was ever asked for."""
        engine = self.__dict__.get("_made")
        if engine is not None:
            engine.finish()


# A suite may replace the functions of os by mocks; this is the real one.
_stat = os.stat

#: How compiled files begin: those that note time and size of their source, and those that stand
#: for themselves (PEP 552; :mod:`recordbake.interpreter` makes these), but where all are checked.
_TIMED = MAGIC_NUMBER + bytes(4)
_UNCHECKED = MAGIC_NUMBER + b"\1\0\0\0" if check_hash_based_pycs != "always" else None


_OURS = f"{__package__}."


class OwnLoader:
    """Loads modules of the guest from what was compiled of them.

    Python's own way asks each finder, and the file system a dozen times; for most of our modules
    that costs more than running them. Taken is what Python would take. Whatever is out of the
    ordinary is left to it.
    """

    def __init__(self) -> None:
        self._compiled = f".{sys.implementation.cache_tag}.pyc"
        self._can = not sys.flags.optimize and fix_file_name is not None

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, _: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Python's finder protocol; None for what is not ours, a package, or not compiled."""
        if not name.startswith(_OURS) or not path or not self._can:
            return None
        last = name.rpartition(".")[2]
        source, cached = f"{path[0]}/{last}.py", f"{path[0]}/__pycache__/{last}{self._compiled}"
        code = _compiled(source, cached)
        if code is None:
            return None
        loader: Any = self
        spec = ModuleSpec(name, loader, origin=source, loader_state=code)
        spec.cached, spec.has_location = cached, True
        return spec

    def create_module(self, _: "ModuleSpec") -> None:
        """Let Python make the module."""

    def exec_module(self, module: "ModuleType") -> None:
        """Run it."""
        spec: Any = module.__spec__
        code, spec.loader_state = spec.loader_state, None
        exec(code, vars(module))  # noqa: S102  # a module of ours


def _compiled(source: str, cached: str) -> "CodeType | None":
    """What was compiled of a source, if Python would take it for that."""
    try:
        with open_code(cached) as stream:
            data = stream.read()
        if data[:8] != _UNCHECKED:
            state = _stat(source)
            noted = (int(state.st_mtime) & 0xFFFFFFFF) | (state.st_size & 0xFFFFFFFF) << 32
            if data[:16] != _TIMED + noted.to_bytes(8, "little"):
                return None
        code: CodeType = loads(memoryview(data)[16:])  # noqa: S302  # as Python would
        fix_file_name(code, source)  # it was compiled where the guest is installed
    except (OSError, EOFError, ValueError, TypeError):
        return None
    return code


def load(name: str) -> "Any":
    """A module of the guest with all that it imports, before :class:`ClientFinder` is there."""
    loader: Any = OwnLoader()
    sys.meta_path.insert(0, loader)
    try:
        return _import(name)
    finally:
        sys.meta_path.remove(loader)


class ClientFinder:
    """A meta path finder that lets the others find, and patches what they loaded.

    Args:
        settings: the handover's dictionary.
        journal: where events go.
    """

    def __init__(self, settings: "dict[str, Any]", journal: "Journal") -> None:
        self._settings = settings
        self._journal = journal
        self._engine = LazyEngine(settings, journal)
        self._own = OwnLoader().find_spec
        self.versions: dict[str, str] = {}

    def install(self) -> None:
        """Take the first place on the meta path; patch what is imported already."""
        sys.meta_path.insert(0, self)
        for name in WATCHED:
            module = sys.modules.get(name)
            if module is not None:
                self._patch(module)

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Python's finder protocol; what is neither watched nor ours is left to the others."""
        if name not in WATCHED:  # it is asked for each module that the process imports
            return self._own(name, path) if name.startswith(_OURS) else None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                self._wrap(spec)
                return spec
        return None

    def _wrap(self, spec: "ModuleSpec") -> None:
        loader = spec.loader
        execute: Callable[[ModuleType], None] | None = getattr(loader, "exec_module", None)
        if execute is None:
            return

        def exec_module(module: "ModuleType") -> None:
            try:
                del loader.exec_module  # type: ignore[union-attr]  # the loader is as it was
            finally:
                execute(module)
            self._patch(module)

        # On the instance: the module keeps the loader that it would have had.
        loader.exec_module = exec_module  # type: ignore[union-attr,method-assign]

    def _patch(self, module: "ModuleType") -> None:
        name = module.__name__
        adapter = _import(WATCHED[name])
        if name in _RUNNERS:
            adapter.install(module, self._settings, self._journal)
            return
        client = getattr(adapter, "CLIENT", None) or name.partition(".")[0]
        known = self.versions.get(client)
        try:
            version = self.versions[client] = adapter.install(module, self._engine)
        except Exception as error:  # a release that is built differently
            self._unsupported(client, f"{client} cannot be hooked: {error!r}", hooked=False)
            return
        if version == known:
            return  # said of another module of its
        if reason := _import("clients.versions").problem(client, version):
            self._unsupported(client, reason, hooked=True)

    def _unsupported(self, client: str, reason: str, *, hooked: bool) -> None:
        """Say that a replay through this client cannot be guaranteed; strict mode fails on it."""
        self._journal.write(
            "gap", python=PYTHON, executable=sys.executable, reason=reason, client=client,
            hooked=hooked,
        )  # fmt: skip

    def finish(self) -> None:
        """Close what is still open at the end of the process."""
        self._engine.finish()
