"""The tutorial as a new user goes through it: `python trial.py PYTHON ROOT WHEEL`.

Its commands are copied from the page, typed into an empty directory, and timed. PYTHON has what the
examples need: it runs the stand-in for the Hub, which is there for `recordbake record` alone. One
word of the page is replaced: pipx gets the wheel in the place of a name that an index knows. On
PATH there are python and pipx.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

_NEW_TEST = """

def test_new():
    requests.get(CONFIG.replace("config", "tokenizer_config"))
"""
_BLOCKED = 10


def main(python: str, root: str, wheel: str) -> None:
    """All of the page, then the test that is new to the recording, and its remedy."""
    page = (Path(root) / "docs" / "tutorial.md").read_text()
    (module,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    suite = Path("test_hub.py")
    suite.write_text(module)
    commands = re.findall(r"^\$ (.*)$", page, re.MULTILINE)
    server = [python, f"{root}/examples/with_server.py", "--state", f"{Path.cwd()}-hub", "--"]
    took = [_typed(line.replace("pipx install recordbake", f"pipx install {wheel}"), server)
            for line in commands]  # fmt: skip
    assert module.count("def test_") == 5
    assert Path("reports/audit.html").stat().st_size > 10_000
    with suite.open("a") as file:
        file.write(_NEW_TEST)
    replay = next(line for line in commands if "replay" in line)
    missed = subprocess.run(
        ["bash", "-c", replay], env=_environ(), stderr=-1, text=True, check=False
    )
    assert missed.returncode == _BLOCKED, missed.stderr
    remedy = re.search(r"next: +(recordbake .*)", missed.stderr)
    assert remedy, missed.stderr
    took.append(_typed(remedy[1], server))
    took.append(_typed(replay, server))
    print(f"trial: {len(commands)} commands of the tutorial, {sum(took[:-2]):.0f} s:")
    for line, seconds in zip(commands, took, strict=False):
        print(f"trial: {seconds:6.1f} s  {line}")


def _environ() -> dict[str, str]:
    """As a new user has it, pipx's directories aside."""
    tools = f"{Path.cwd()}-tools"
    path = f"{tools}/bin{os.pathsep}{os.environ['PATH']}"
    return {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))} | {
        "PIPX_HOME": tools, "PIPX_BIN_DIR": f"{tools}/bin", "PATH": path,
    }  # fmt: skip


def _typed(line: str, server: list[str]) -> float:
    """Run a line of the page; returns how many seconds it took."""
    print(f"$ {line}", flush=True)
    command = ["bash", "-c", line]
    begun = time.perf_counter()
    subprocess.run(
        [*server, *command] if " record " in line else command, env=_environ(), check=True
    )
    return time.perf_counter() - begun


if __name__ == "__main__":
    shutil.which("pipx") or sys.exit("trial: pipx is not on PATH")
    main(*sys.argv[1:])
