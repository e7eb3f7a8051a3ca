"""The composite action's own steps, run as a runner of GitHub would run them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.support.cli import ROOT, clean_environ

ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


def run(tmp_path, mode, command, wrap=()):
    """Each step whose condition holds, with the defaults that are not given."""
    tools = tmp_path / "tools"
    tools.mkdir(exist_ok=True)
    for name, body in {
        "pipx": "exit 0",
        "recordbake": f'exec {sys.executable} -m recordbake "$@"',
        "pytest": f'exec {sys.executable} -m pytest -p no:cacheprovider "$@"',
    }.items():
        (tools / name).write_text(f"#!/bin/sh\n{body}\n")
        (tools / name).chmod(0o755)
    values = {name: spec.get("default", "") for name, spec in ACTION["inputs"].items()}
    values |= {"mode": mode, "command": command}
    environ = clean_environ(
        PATH=f"{tools}:{os.environ['PATH']}", RUNNER_TEMP=str(tmp_path / "temp"),
        GITHUB_OUTPUT=str(tmp_path / "output"),
    )  # fmt: skip
    (tmp_path / "temp").mkdir(exist_ok=True)
    for step in ACTION["runs"]["steps"]:
        condition = step.get("if", "")
        if "== 'record'" in condition and mode != "record":
            continue
        if "!= 'record'" in condition and mode == "record":
            continue
        given = {
            name: values[value.removeprefix("${{ inputs.").removesuffix(" }}")]
            for name, value in step.get("env", {}).items()
        }
        done = subprocess.run(
            [*wrap, "bash", "-eo", "pipefail", "-c", step["run"]],
            env=environ | given, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{step['name']}: {done.stdout}{done.stderr}"
        yield step["name"], done.stderr


def test_record_then_replay(tmp_path):
    command = f"pytest -q '{ROOT / 'examples'}' -k 'image or table'"
    server = [sys.executable, str(ROOT / "examples" / "with_server.py"), "--"]
    recorded = dict(run(tmp_path, "record", command, server))
    assert "stored" in recorded["Record and bake"]
    replayed = dict(run(tmp_path, "replay", command))
    assert "replay_strict" in replayed["Replay strictly"]
    report = (tmp_path / "output").read_text().removeprefix("report=").strip()
    assert report == str(tmp_path / "reports" / "audit.html")
    assert Path(report).stat().st_size > 1000
