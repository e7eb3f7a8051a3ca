"""The tutorial's commands, as they stand, against the stand-in for the Hub."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.support.cli import ROOT, clean_environ
from tests.support.environments import python_with

PAGE = (ROOT / "docs" / "tutorial.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.network_install
def test_every_command_of_the_tutorial(tmp_path):
    (module,) = blocks("python")
    (tmp_path / "test_hub.py").write_text(module)
    commands = [line[2:] for block in blocks("console") for line in block.splitlines()]
    assert commands[:3] == [
        "python -m venv .venv",
        ".venv/bin/pip install -q pytest requests httpx huggingface_hub",
        "pipx install recordbake",
    ]
    python = python_with("pytest", "requests", "httpx", "huggingface_hub", "certifi")
    (tmp_path / ".venv").symlink_to(python.parent.parent)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "recordbake").write_text(f'#!/bin/sh\nexec {sys.executable} -m recordbake "$@"\n')
    (tools / "recordbake").chmod(0o755)
    script = "set -ex\n" + "\n".join(commands[3:])
    server = [sys.executable, str(ROOT / "examples" / "with_server.py"), "--"]
    done = subprocess.run(
        [*server, "bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=clean_environ(PATH=f"{tools}:{os.environ['PATH']}"),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("5 passed") == 3
    assert f"GET https://huggingface.co/{'hf-internal-testing/tiny-random-bert'}" in done.stdout
    assert (tmp_path / "reports" / "audit.html").stat().st_size > 10_000
    # What it says of a new test.
    with (tmp_path / "test_hub.py").open("a") as stream:
        stream.write("\n\ndef test_new():\n")
        stream.write("    requests.get(CONFIG.replace('config', 'tokenizer_config'))\n")
    missed = subprocess.run(
        ["bash", "-c", commands[5]], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=clean_environ(PATH=f"{tools}:{os.environ['PATH']}"),
    )  # fmt: skip
    assert missed.returncode == 10
    assert "test:    test_hub.py::test_new (client: urllib3)" in missed.stderr
    assert (
        "next:    recordbake record --missing -- .venv/bin/python -m pytest test_hub.py::test_new"
        in missed.stderr
    )
