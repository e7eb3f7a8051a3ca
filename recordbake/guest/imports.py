"""Patches a client library when the process imports it, never by importing it."""

from __future__ import annotations

import sys

from .version import PYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
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


def _import(name: str) -> Any:
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

    def __init__(self, settings: dict[str, Any], journal: Journal) -> None:
        self._settings = settings
        self._journal = journal
        #: See :class:`.engine.Engine`; known without making it.
        self.answers = settings["mode"] != "record" or settings["missing"]

    def __getattr__(self, name: str) -> Any:
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


class ClientFinder:
    """A meta path finder that lets the others find, and patches what they loaded.

    Args:
        settings: the handover's dictionary.
        journal: where events go.
    """

    def __init__(self, settings: dict[str, Any], journal: Journal) -> None:
        self._settings = settings
        self._journal = journal
        self._engine = LazyEngine(settings, journal)
        self.versions: dict[str, str] = {}

    def install(self) -> None:
        """Take the first place on the meta path; patch what is imported already."""
        sys.meta_path.insert(0, self)
        for name in WATCHED:
            module = sys.modules.get(name)
            if module is not None:
                self._patch(module)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Python's finder protocol; everything but the watched names is left to the others."""
        if name not in WATCHED:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                self._wrap(spec)
                return spec
        return None

    def _wrap(self, spec: ModuleSpec) -> None:
        loader = spec.loader
        execute: Callable[[ModuleType], None] | None = getattr(loader, "exec_module", None)
        if execute is None:
            return

        def exec_module(module: ModuleType) -> None:
            try:
                del loader.exec_module  # type: ignore[union-attr]  # the loader is as it was
            finally:
                execute(module)
            self._patch(module)

        # On the instance: the module keeps the loader that it would have had.
        loader.exec_module = exec_module  # type: ignore[union-attr,method-assign]

    def _patch(self, module: ModuleType) -> None:
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
