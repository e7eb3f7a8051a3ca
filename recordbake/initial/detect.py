"""What kind of project it is: how its suite is run and installed, and where its CI runs."""

from __future__ import annotations

import re
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recordbake.errors import UsageError
from recordbake.settings.table import loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

GITHUB, GITLAB, NONE = CIS = ("github", "gitlab", "none")
#: Names of extras, dependency groups and files for tests, the likeliest first.
_NAMES = ("test", "tests", "testing", "dev", "develop")
_FILES = tuple(
    f"{pattern.format(name)}.txt"
    for name in _NAMES
    for pattern in ("requirements-{}", "requirements_{}", "{}-requirements", "requirements/{}")
)


@dataclass(frozen=True)
class Project:
    """A project as far as its files tell.

    Args:
        root: its directory.
        command: what runs its suite.
        install: what ``pip install`` takes for its suite; empty for nothing.
        ci: ``github``, ``gitlab`` or ``none``.
        reasons: what was found where, a line each.
    """

    root: Path
    command: tuple[str, ...]
    install: tuple[str, ...]
    ci: str
    reasons: tuple[str, ...]


def detect(root: Path) -> Project:
    """Look at a project's files.

    Raises:
        UsageError: its pyproject.toml is not valid TOML.
    """
    table = _pyproject(root)
    command, because = _command(root, table)
    install, how = _install(root, table, command)
    ci, where = _ci(root)
    return Project(root, command, install, ci, (because, how, where))


def _pyproject(root: Path) -> dict[str, Any]:
    path = root / "pyproject.toml"
    try:
        return loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UsageError(
            f"the file is not valid TOML: {error}", where=path, next_step="mend the file"
        ) from error


def _sections(path: Path) -> set[str]:
    found = ConfigParser(interpolation=None, strict=False)
    try:
        found.read(path, encoding="utf-8")
    except (ConfigError, UnicodeDecodeError):
        return set()
    return set(found.sections())


def _command(root: Path, table: dict[str, Any]) -> tuple[tuple[str, ...], str]:
    pytest, unittest = ("pytest",), ("python", "-m", "unittest")
    if "pytest" in table.get("tool", {}):
        return pytest, "pyproject.toml configures pytest"
    for name, sections in {
        "pytest.ini": {"pytest"}, "tox.ini": {"pytest"}, "setup.cfg": {"tool:pytest"},
    }.items():  # fmt: skip
        if _sections(root / name) & sections:
            return pytest, f"{name} configures pytest"
    for path in _test_files(root):
        if path.name == "conftest.py":
            return pytest, f"{path.relative_to(root)} is pytest's"
        text = path.read_text(encoding="utf-8", errors="replace")
        if re.search(r"^\s*(import|from) pytest\b|^(async )?def test_", text, re.MULTILINE):
            return pytest, f"{path.relative_to(root)} is written for pytest"
        if re.search(r"\bunittest\b", text):
            return unittest, f"{path.relative_to(root)} is written for unittest"
    return pytest, "nothing says how the tests are run: pytest is assumed"


def _test_files(root: Path) -> Iterable[Path]:
    """Conftests and test modules, the nearest to the root first; not those of environments."""
    places = [root, *(root / name for name in ("tests", "test", "src"))]
    for place in places:
        for pattern in ("conftest.py", "test*.py", "*_test.py", "*/conftest.py", "*/test*.py"):
            if place != root or "/" not in pattern:
                yield from (path for path in sorted(place.glob(pattern)) if path.is_file())


def _install(
    root: Path, table: dict[str, Any], command: tuple[str, ...]
) -> tuple[tuple[str, ...], str]:
    is_package = "project" in table or "build-system" in table
    is_package = is_package or any((root / name).is_file() for name in ("setup.py", "setup.cfg"))
    own = ("-e", ".") if is_package else ()
    extras = table.get("project", {}).get("optional-dependencies", {})
    if name := _first(extras):
        return ("-e", f".[{name}]"), f"pyproject.toml has an extra {name}"
    if name := _first(table.get("dependency-groups", {})):
        return (*own, "--group", name), f"pyproject.toml has a dependency group {name}"
    if name := _first(_extras_of_setup_cfg(root)):
        return ("-e", f".[{name}]"), f"setup.cfg has an extra {name}"
    if name := _first(_extras_of_setup_py(root)):
        return ("-e", f".[{name}]"), f"setup.py seems to have an extra {name}"
    for file in _FILES:
        if (root / file).is_file():
            return (*own, "-r", file), f"there is {file}"
    return _without_tests(root, own, command)


def _without_tests(
    root: Path, own: tuple[str, ...], command: tuple[str, ...]
) -> tuple[tuple[str, ...], str]:
    """What to install where nothing is named for tests: also pytest, if that is to run them."""
    runner = ("pytest",) if "pytest" in command else ()
    file = root / "requirements.txt"
    if not file.is_file():
        return (*own, *runner), "it is a package" if own else "nothing says what it needs"
    text = file.read_text(encoding="utf-8", errors="replace")
    if re.search(r"^\s*pytest\b", text, re.MULTILINE):
        runner = ()
    return (*own, "-r", file.name, *runner), f"there is {file.name}"


def _first(names: Iterable[str]) -> str | None:
    spelled = {name.lower(): name for name in names}
    return next((spelled[name] for name in _NAMES if name in spelled), None)


def _extras_of_setup_cfg(root: Path) -> Sequence[str]:
    found = ConfigParser(interpolation=None, strict=False)
    try:
        found.read(root / "setup.cfg", encoding="utf-8")
        return list(found["options.extras_require"])
    except (ConfigError, UnicodeDecodeError, KeyError):
        return []


def _extras_of_setup_py(root: Path) -> list[str]:
    """Names of extras as they stand in its text: it is a program, which nobody runs for this."""
    try:
        text = (root / "setup.py").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    if "extras" not in text:
        return []
    return re.findall(rf"""["']({"|".join(_NAMES)})["']\s*[\]:]""", text)


def _ci(root: Path) -> tuple[str, str]:
    if (root / ".gitlab-ci.yml").is_file():
        return GITLAB, "there is .gitlab-ci.yml"
    if (root / ".github").is_dir():
        return GITHUB, "there is .github"
    try:
        remotes = (root / ".git" / "config").read_text(encoding="utf-8", errors="replace")
    except OSError:
        remotes = ""
    for name in (GITHUB, GITLAB):
        if re.search(rf"^\s*url = .*\b{name}\b", remotes, re.MULTILINE):
            return name, f"its remote is on {name}"
    return NONE, "no CI was found"
