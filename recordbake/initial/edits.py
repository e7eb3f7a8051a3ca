"""The changes that set a project up, each made only where it is not there already."""

from __future__ import annotations

import difflib
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recordbake.errors import UsageError
from recordbake.initial.detect import GITHUB, GITLAB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recordbake.initial.detect import Project

IGNORED = ("/.recordbake/", "/reports/audit.*", "/reports/revalidation.ndjson")
_COMMENT = "recordbake config shows all options; docs/reference/configuration.md explains them"
_WORKFLOWS = {GITHUB: ".github/workflows/recordbake.yml", GITLAB: ".gitlab/recordbake.yml"}
_GITLAB_INCLUDE = 'include:\n  - local: ".gitlab/recordbake.yml"\n'


@dataclass(frozen=True)
class Edit:
    """A file's new text.

    Args:
        path: the file.
        before: its text; None if there is none.
        after: what it is to be.
        replaces: whether somebody's own text would be lost.
    """

    path: Path
    before: str | None
    after: str
    replaces: bool = False

    def diff(self, root: Path) -> str:
        """The change as a unified diff."""
        name = str(self.path.relative_to(root))
        lines = difflib.unified_diff(
            (self.before or "").splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            "/dev/null" if self.before is None else name,
            name,
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)

    def write(self) -> None:
        """Make the change."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.after, encoding="utf-8", newline="")


def plan(project: Project) -> tuple[list[Edit], list[str]]:
    """What is to be changed, and what the user has to do.

    Raises:
        UsageError: a file cannot be edited.
    """
    edits = [_table(project), _gitignore(project)]
    told: list[str] = []
    if project.ci in _WORKFLOWS:
        edits.append(_workflow(project))
    if project.ci == GITLAB:
        path = project.root / ".gitlab-ci.yml"
        before = _read(path)
        if before is None:
            edits.append(Edit(path, None, _GITLAB_INCLUDE))
        elif ".gitlab/recordbake.yml" not in before:
            told.append(f"add to .gitlab-ci.yml:\n{_GITLAB_INCLUDE}")
    return [edit for edit in edits if edit.before != edit.after], told


def _read(path: Path) -> str | None:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return stream.read()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise UsageError(
            f"the file is not UTF-8: {error}", where=path, next_step="save it as UTF-8"
        ) from error


def _table(project: Project) -> Edit:
    """``[tool.recordbake]`` with what is missing in it; all else in the file stays as it is."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    path = project.root / "pyproject.toml"
    before = _read(path)
    try:
        document = tomlkit.parse(before or "")
        tool = document.get("tool", {})
        if "recordbake" not in tool:
            after = _appended(before or "", project)
        elif "command" not in tool["recordbake"]:
            tool["recordbake"].add("command", list(project.command))
            after = tomlkit.dumps(document)
        else:
            after = before or ""
        tomlkit.parse(after)
    except (TOMLKitError, AttributeError, TypeError) as error:
        raise UsageError(
            f"the table cannot be added: {error}",
            where=path,
            next_step=f"add it yourself: [tool.recordbake], command = {list(project.command)}",
        ) from error
    return Edit(path, before, after)


def _appended(text: str, project: Project) -> str:
    """A document with the table at its end: other tables below ``tool`` may stand anywhere."""
    import tomlkit

    table = tomlkit.table()
    table.add(tomlkit.comment(_COMMENT))
    table.add("command", list(project.command))
    tool = tomlkit.table(is_super_table=True)
    tool.add("recordbake", table)
    own = tomlkit.dumps({"tool": tool})
    if not text:
        return own
    newline = "\r\n" if "\r\n" in text else "\n"
    return text.rstrip("\r\n") + newline * 2 + own.replace("\n", newline)


def _gitignore(project: Project) -> Edit:
    path = project.root / ".gitignore"
    before = _read(path)
    there = {line.strip().strip("/") for line in (before or "").splitlines()}
    missing = [line for line in IGNORED if line.strip("/") not in there]
    if not missing:
        return Edit(path, before, before or "")
    text = before or ""
    if text and not text.endswith("\n"):
        text += "\n"
    return Edit(path, before, "\n".join([text + "# recordbake", *missing, ""]))


def _workflow(project: Project) -> Edit:
    path = project.root / _WORKFLOWS[project.ci]
    before = _read(path)
    after = _rendered(project)
    return Edit(path, before, after, replaces=before is not None)


def _rendered(project: Project) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(  # other delimiters than GitHub's own
        loader=PackageLoader("recordbake.initial"), autoescape=False,  # noqa: S701  # no HTML
        variable_start_string="<<", variable_end_string=">>", block_start_string="<%",
        block_end_string="%>", trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined,
        keep_trailing_newline=True,
    )  # fmt: skip
    install = shlex.join(project.install)
    return environment.get_template(f"{project.ci}.yml.j2").render(install=install)


def unwritten(edits: list[Edit], *, force: bool) -> Iterator[Edit]:
    """Edits that would replace somebody's own text without having been asked to."""
    return (edit for edit in edits if edit.replaces and not force)
