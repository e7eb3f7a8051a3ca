"""A machine of a CI service, as far as a recipe sees it: empty, with git, Python and pipx.

What a step installs is installed, from the index of packages, quickly: python and pipx are scripts
which hand ``-m pip`` and ``install`` to uv. The name recordbake stands for the wheel that is tried.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.cli import clean_environ

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_UV = """#!/bin/bash
unset http_proxy
exec {python} -m uv "$@" --quiet
"""
#: Installs words into the environment that comes first; the release of recordbake that is tried is
#: in an environment of its own already, which is added.
_INSTALL = """#!/bin/bash
set -e
venv=$1; shift
words=()
for word; do
  case $word in
    recordbake)
      echo {site} > "$(echo "$venv"/lib/python*/site-packages)/recordbake.pth"
      (echo "#!$venv/bin/python"; tail -n +2 {program}) > "$venv/bin/recordbake"
      chmod +x "$venv/bin/recordbake" ;;
    *) words+=("$word") ;;
  esac
done
[ ${{#words[@]}} = 0 ] || {tools}/uv pip install "${{words[@]}}" --python "$venv"
"""
_PYTHON = """#!/bin/bash
case "$1 $2 $3" in
  "-m pip install") shift 3; exec {tools}/install {venv} "$@" ;;
  "-m venv "*) {tools}/uv venv "$3" --python {python} && ln -s {tools}/pip "$3/bin/pip" ;;
  *) exec {venv}/bin/python "$@" ;;
esac
"""
_PIP = """#!/bin/bash
[ "$1" = install ] && shift && exec {tools}/install "$(dirname "$(dirname "$0")")" "$@"
"""
_PIPX = """#!/bin/bash
set -e
venv=$HOME/pipx/recordbake
case "$1 $2" in
  "install recordbake")
    {tools}/uv venv "$venv" --python {python}
    {tools}/install "$venv" recordbake
    mkdir -p "$HOME/.local/bin"
    ln -s "$venv/bin/recordbake" "$HOME/.local/bin/" ;;
  "inject recordbake") shift 2; {tools}/install "$venv" "$@" ;;
  *) echo "pipx: $*" >&2; exit 64 ;;
esac
"""


class Machine:
    """One, for one job.

    Args:
        root: an empty directory; work is done in ``work`` below it.
        tool: an environment in which the wheel of recordbake is installed.
        env: variables that the service sets, or that lead to servers on this machine.
        local_bin: whether the directory that pipx links programs into is on PATH from the start.
    """

    def __init__(self, root: Path, tool: Path, env: Mapping[str, str], *, local_bin: bool) -> None:
        self.root, self.work = root, root / "work"
        self.work.mkdir(parents=True)
        tools, venv = root / "tools", root / "python"
        tools.mkdir()
        (site,) = tool.glob("lib/python*/site-packages")
        names = {
            "tools": tools, "venv": venv, "python": sys.executable,
            "site": site, "program": tool / "bin" / "recordbake",
        }  # fmt: skip
        scripts = {"uv": _UV, "install": _INSTALL, "python": _PYTHON, "pip": _PIP, "pipx": _PIPX}
        for name, text in scripts.items():
            (tools / name).write_text(text.format(**names))
            (tools / name).chmod(0o755)
        subprocess.run([tools / "uv", "venv", venv, "--python", sys.executable], check=True)
        home = root / "home"
        more = [str(home / ".local" / "bin")] if local_bin else []
        path = os.pathsep.join([str(tools), str(venv / "bin"), *more, "/usr/bin", "/bin"])
        self.env = clean_environ(**env, HOME=str(home), PATH=path, CI="true")

    def clone(self, project: Path) -> None:
        """What a checkout does."""
        subprocess.run(["git", "clone", "--quiet", str(project), "."], cwd=self.work, check=True)

    def run(
        self, shell: Sequence[str], script: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A script, as the last word of the shell's; in the checkout."""
        return subprocess.run(
            [*shell, script], cwd=self.work, env=self.env | (env or {}), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
