"""Patches a client library when the process imports it, never by importing it."""

from __future__ import annotations

import sys
from importlib import import_module

from .clients.versions import problem
from .version import PYTHON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

    from .engine import Engine
    from .events import Journal

#: Module whose import triggers a patch, and the guest module that patches it.
WATCHED = {
    "http.client": "clients.http_client",
    "urllib3.connection": "clients.urllib3",
    "requests.adapters": "clients.requests",
    "httpx": "clients.httpx",
    "httpx2": "clients.httpx",
    "aiohttp": "clients.aiohttp",
    "_pytest.config": "pytest_outcomes",
    "unittest.case": "unittest_outcomes",
    "unittest.suite": "unittest_outcomes",
}
#: Those that make no requests: their ``install`` takes the settings and the journal.
_RUNNERS = frozenset({"_pytest.config", "unittest.case", "unittest.suite"})


class ClientFinder:
    """A meta path finder that lets the others find, and patches what they loaded.

    Args:
        settings: the handover's dictionary.
        journal: where events go.
    """

    def __init__(self, settings: dict[str, Any], journal: Journal) -> None:
        self._settings = settings
        self._journal = journal
        self._engine: Engine | None = None
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
        adapter = import_module("." + WATCHED[name], __package__)
        if name in _RUNNERS:
            adapter.install(module, self._settings, self._journal)
            return
        if self._engine is None:
            from .engine import Engine

            self._engine = Engine.from_settings(self._settings, self._journal)
        client = name if name == "http.client" else name.partition(".")[0]
        try:
            version = self.versions[client] = adapter.install(module, self._engine)
        except Exception as error:  # a release that is built differently
            self._unsupported(client, f"{client} cannot be hooked: {error!r}", hooked=False)
            return
        if reason := problem(client, version):
            self._unsupported(client, reason, hooked=True)

    def _unsupported(self, client: str, reason: str, *, hooked: bool) -> None:
        """Say that a replay through this client cannot be guaranteed; strict mode fails on it."""
        self._journal.write(
            "gap", python=PYTHON, executable=sys.executable, reason=reason, client=client,
            hooked=hooked,
        )  # fmt: skip

    def finish(self) -> None:
        """Close what is still open at the end of the process."""
        if self._engine is not None:
            self._engine.finish()
