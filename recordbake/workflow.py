"""nox sessions for any project: record, bake, replay, replay_strict, audit.

In a noxfile::

    from recordbake.workflow import add_sessions

    add_sessions(install=["-e", ".[test]"], command=["pytest", "-q"])

Only nox and the standard library are imported here; recordbake itself runs as a command.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nox

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Install = Sequence[str] | Callable[[nox.Session], None]

RECORDING = Path(".recordbake")
TAG = "recordbake"
#: What bare ``nox`` runs; it does not go online for what is missing, nor replay twice.
DEFAULT = ("record", "bake", "replay_strict", "audit")


class Workflow:
    """The five sessions of one project.

    Args:
        install: what to pip-install for the suite, or a function that installs it into a session
            (``lambda session: session.run_install("poetry", "install", external=True)``); empty for
            nothing.
        command: the suite's command where none is given after ``--`` (and none is configured in
            ``[tool.recordbake]``).
        tool: what to pip-install for recordbake itself; by default nothing: it runs from the
            environment that nox runs in, and the suite's environment never hears of it.
        wrap: put before the recordbake of a recording, for a suite that brings its own server.
        python: the suite's Pythons, as for ``nox.session``. Where they are several, the first
            records anew and the others add what only they ask for.
    """

    def __init__(
        self,
        install: Install = (),
        command: Sequence[str] = (),
        tool: Sequence[str] = (),
        wrap: Sequence[str] = (),
        python: Any = None,
    ) -> None:
        self.install: list[str] = [] if callable(install) else list(install)
        self.installs = install if callable(install) else None
        self._has_recorded = False
        self.command = list(command)
        self.tool = list(tool)
        self.wrap = list(wrap)
        self.python = python

    def _run(self, session: nox.Session, *arguments: str, wrap: Sequence[str] = ()) -> None:
        python = sys.executable
        if self.tool:
            session.install(*self.tool)
            python = str(Path(session.bin) / "python")
        session.run(*wrap, python, "-m", "recordbake", *arguments, external=True)

    def _with_suite(self, session: nox.Session, *arguments: str, wrap: Sequence[str] = ()) -> None:
        """Install the suite, then run recordbake around its command."""
        if self.installs:
            self.installs(session)
        if self.install:
            session.install(*self.install)
        own, command = split_posargs(session.posargs)
        command = command or self.command
        self._run(session, *arguments, *own, *(["--", *command] if command else []), wrap=wrap)

    def record(self, session: nox.Session) -> None:
        """Run the suite once online and keep every HTTP exchange."""
        adds = self._has_recorded and "--from-audit" not in session.posargs
        missing = ["--missing"] if adds else []
        self._has_recorded = True
        self._with_suite(session, "record", *missing, wrap=self.wrap)

    def bake(self, session: nox.Session) -> None:
        """Turn the recording into reproducible archives."""
        self._run(session, "bake", *session.posargs)

    def replay(self, session: nox.Session) -> None:
        """Run the suite from the recording; what is missing goes online and is reported."""
        self._with_suite(session, "replay")

    def replay_strict(self, session: nox.Session) -> None:
        """Run the suite from the bake; what is missing is blocked and fails the run."""
        arguments = ["replay", "--strict"]
        if bake_is_current(RECORDING):
            unpacked = RECORDING / "unpacked"
            self._run(session, "unpack", str(RECORDING / "bake"), "--to", str(unpacked))
            arguments += ["--recording", str(unpacked), "--runs-dir", str(RECORDING / "runs")]
        self._with_suite(session, *arguments)

    def audit(self, session: nox.Session) -> None:
        """Report misses, sizes and stale entries, and say what to re-record."""
        self._run(session, "audit", *session.posargs)


def split_posargs(posargs: Sequence[str]) -> tuple[list[str], list[str]]:
    """Options for recordbake and the command: ``nox -s record -- --missing -- pytest -q``.

    Without a second ``--``, leading options are recordbake's and the rest is the command.
    """
    words = list(posargs)
    if "--" in words:
        at = words.index("--")
        return words[:at], words[at + 1 :]
    at = next((i for i, word in enumerate(words) if not word.startswith("-")), len(words))
    return words[:at], words[at:]


def bake_is_current(recording: Path) -> bool:
    """Whether there is a bake that was made after the store last changed."""
    manifest = recording / "bake" / "manifest.json"
    store = recording / "http_cache" / "requests_cache.sqlite"
    if not manifest.exists():
        return False
    return not store.exists() or manifest.stat().st_mtime >= store.stat().st_mtime


def add_sessions(  # noqa: PLR0913
    install: Install = (),
    command: Sequence[str] = (),
    *,
    tool: Sequence[str] = (),
    wrap: Sequence[str] = (),
    python: Any = None,
    prefix: str = "",
    tags: Sequence[str] = (),
) -> Workflow:
    """Register the sessions ``record``, ``bake``, ``replay``, ``replay_strict`` and ``audit``.

    ``replay_strict`` can also be spelled ``replay-strict``.

    Args:
        install: see :class:`Workflow`.
        command: see :class:`Workflow`.
        tool: see :class:`Workflow`.
        wrap: see :class:`Workflow`.
        python: see :class:`Workflow`.
        prefix: put before the names, where the noxfile has sessions of these names already.
        tags: further tags of the sessions; each has the tag ``recordbake``.

    Returns:
        The workflow.
    """
    workflow = Workflow(install, command, tool, wrap, python)
    sessions: list[tuple[str, Callable[[nox.Session], None]]] = [
        ("record", workflow.record),
        ("bake", workflow.bake),
        ("replay", workflow.replay),
        ("replay_strict", workflow.replay_strict),
        ("replay-strict", workflow.replay_strict),
        ("audit", workflow.audit),
    ]
    for name, function in sessions:
        _register(f"{prefix}{name}", function, workflow, tags, default=name in DEFAULT)
    return workflow


def _register(
    name: str, function: Callable[[nox.Session], None], workflow: Workflow,
    tags: Sequence[str], *, default: bool,
) -> None:  # fmt: skip
    def session(session: nox.Session) -> None:
        function(session)

    session.__name__ = name.replace("-", "_")
    session.__doc__ = function.__doc__
    needs_suite = function not in (workflow.bake, workflow.audit)
    isolated = bool(workflow.tool or (needs_suite and (workflow.install or workflow.installs)))
    nox.session(
        name=name,
        python=workflow.python if needs_suite else None,
        venv_backend=None if isolated else "none",
        reuse_venv=True,
        tags=[TAG, *tags],
        default=default,
    )(session)
