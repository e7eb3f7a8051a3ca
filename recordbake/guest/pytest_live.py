"""The marker ``recordbake``: tests that must go online, or to hosts that are none of our business.

``@pytest.mark.recordbake(live=True)`` and ``@pytest.mark.recordbake(ignore_hosts=["..."])``. While
recording, and in a replay that is not strict, what such a test asks for goes live and is not kept.
A strict replay skips it, unless ``allow_live_tests`` lets it out.
"""

from __future__ import annotations

import os
import sys

from . import attribution

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAME = "recordbake"
LINE = (
    "recordbake(live=False, ignore_hosts=()): what the test asks for, or asks these hosts for, "
    "goes live and is not kept; a strict replay skips it unless allow_live_tests is set"
)
SKIPPED = (
    "recordbake: the test is marked to go live, and a strict replay lets nothing out "
    "(allow_live_tests lets such tests)"
)
_KNOWN = frozenset({"live", "ignore_hosts"})


class LivePlugin:
    """pytest hooks; see pytest's API reference, "Hooks".

    Args:
        settings: the handover's dictionary.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self._skips = settings["mode"] == "replay_strict" and not settings["allow_live_tests"]
        #: A live test's own child processes are as live as it is.
        self._inherited = attribution.parse_passes(os.environ.get(attribution.PASSES))
        self._passes: dict[str, frozenset[str]] = {}

    def pytest_configure(self, config: Any) -> None:
        """Register the marker, so that ``--strict-markers`` knows it."""
        registered = [str(line) for line in config.getini("markers")]
        if not any(line.partition("(")[0].partition(":")[0].strip() == NAME for line in registered):
            config.addinivalue_line("markers", LINE)

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Note which tests are marked; skip them where nothing may go out."""
        for item in items:
            passes = self._inherited | _passes(item)
            if not passes:
                continue
            self._passes[item.nodeid] = passes
            if self._skips:
                item.add_marker(sys.modules["pytest"].mark.skip(reason=SKIPPED))

    def passes(self, nodeid: str) -> frozenset[str]:
        """What a test may reach, as :func:`.attribution.passes` takes it."""
        return self._inherited if self._skips else self._passes.get(nodeid, self._inherited)

    def is_marked(self, nodeid: str) -> bool:
        """Whether a test is marked to go live."""
        return nodeid in self._passes


def _passes(item: Any) -> frozenset[str]:
    live = None
    hosts: set[str] = set()
    for mark in item.iter_markers(NAME):  # the closest first
        given = mark.kwargs
        named = given.get("ignore_hosts", ())
        named = [named] if isinstance(named, str) else list(named)
        wrong = mark.args or set(given) - _KNOWN or not isinstance(given.get("live", True), bool)
        if wrong or not all(isinstance(host, str) for host in named):
            raise sys.modules["pytest"].UsageError(
                f"{item.nodeid}: the marker recordbake takes live=True and ignore_hosts=[...], "
                f"not {mark.args or given}"
            )
        live = given.get("live") if live is None else live
        hosts.update(host.lower().strip("[]") for host in named)
    return frozenset({attribution.ANY}) if live else frozenset(hosts)


# What pytest.hookimpl(tryfirst=True) sets, without importing pytest.
LivePlugin.pytest_configure.pytest_impl = {"tryfirst": True}  # type: ignore[attr-defined]
