"""What is known about one foreign suite: read from ``catalogue/<name>/suite.toml``."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CATALOGUE = Path(__file__).parent / "catalogue"
#: What the servers and plugins of several suites import.
SHARED = Path(__file__).parent / "shared"


@dataclass(frozen=True)
class Suite:
    """One suite.

    Args:
        name: of the folder in the catalogue.
        version: release of the project whose tests these are.
        sdist: requirement (``requests==2.34.2``) whose source distribution holds the tests, or ''.
        sha256: of that source distribution.
        git: URL of a repository, where the source distribution has no tests, or ''.
        commit: of that repository.
        paths: patterns of what is wanted of it, as git sparse-checkout takes them.
        requirements: what is installed for the suite, beside pytest and pytest-timeout.
        pytest: the range of pytest that the suite runs with.
        python: arguments to the suite's Python, run in the unpacked source.
        port: first of the ten fixed ports on which ``server.py`` listens.
        environ: further environment variables.
        by_module: whether the page counts the modules apart, where each is about another client.
        notes: test id (or its beginning) to the reason why it cannot be the same.
    """

    name: str
    version: str
    port: int
    requirements: list[str]
    python: list[str]
    pytest: str = "pytest>=8,<9"
    sdist: str = ""
    sha256: str = ""
    git: str = ""
    commit: str = ""
    paths: list[str] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)
    by_module: bool = False
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where ``server.py`` and ``suite_plugin.py`` are."""
        return CATALOGUE / self.name

    def reason(self, test: str) -> str:
        """Why a test is excused, or ''."""
        return next((why for begin, why in self.notes.items() if test.startswith(begin)), "")


def names() -> list[str]:
    """Of all suites."""
    return sorted(path.parent.name for path in CATALOGUE.glob("*/suite.toml"))


def load(name: str) -> Suite:
    """Read a suite's description.

    Raises:
        SystemExit: there is none of that name.
    """
    path = CATALOGUE / name / "suite.toml"
    if not path.exists():
        sys.exit(f"suites: no suite named {name!r}; there are {', '.join(names())}")
    return Suite(name=name, **tomllib.loads(path.read_text()))
