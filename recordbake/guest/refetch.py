"""What ``record --from-audit`` asks for again: a file that the runner wrote for its processes."""

from __future__ import annotations

from . import attribution
from .keys import decode_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def keys(path: str) -> frozenset[str]:
    """Keys that are fetched although the store has them; none without a file.

    Args:
        path: the file; empty for none.

    Raises:
        OSError, ValueError: the file is missing or damaged.
    """
    return frozenset(_read(path)["keys"]) if path else frozenset()


def _read(path: str) -> dict[str, Any]:
    with open(path, encoding="utf-8") as stream:
        return dict(decode_json(stream.read()))


class SelectionPlugin:
    """A pytest plugin that leaves the tests concerned and deselects the others.

    Args:
        path: the file.
    """

    def __init__(self, path: str) -> None:
        tests = _read(path)["tests"]
        self._tests = None if tests is None else frozenset(tests)

    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        """Deselect, as ``-k`` does, so that options and plugins of the suite stay as they are."""
        if self._tests is None:
            return
        chosen: list[Any] = []
        others: list[Any] = []
        for item in items:
            named = attribution.clean_name(item.nodeid) in self._tests
            (chosen if named else others).append(item)
        if others:
            config.hook.pytest_deselected(items=others)
            items[:] = chosen


# What pytest.hookimpl(trylast=True) sets, without importing pytest: after the suite's own choice.
SelectionPlugin.pytest_collection_modifyitems.pytest_impl = {"trylast": True}  # type: ignore[attr-defined]
