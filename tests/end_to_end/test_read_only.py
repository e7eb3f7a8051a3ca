"""A bake on a file system that is mounted read-only, replayed by nobody."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.cli import ROOT, clean_environ, recordbake
from tests.support.origin import Origin, reply

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
#: Makes "$0" read-only for what follows.
MOUNT = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
SUITE = """
import sys, urllib.request
for name in ("small", "large"):
    with urllib.request.urlopen(f"{sys.argv[1]}/{name}") as answer:
        print(name, len(answer.read()))
"""


class Site(Origin):
    """A small answer and one that is a file in the store."""

    def _bytes(self, path, method, headers, body, number):
        return reply(b"x" * (100_000 if path == "/large" else 10))


def python_of_nobody():
    """A Python that another user can run: this one, or the system's."""
    for path in (sys.executable, "/usr/bin/python3"):
        code = (
            "import os, sys; sys.exit(sys.version_info < (3, 10) or not os.access(sys.argv[1], 1))"
        )
        probe = [*NOBODY, path, "-I", "-c", code, path]
        if Path(path).exists() and not subprocess.run(probe, check=False, cwd="/").returncode:
            return path
    return pytest.skip("no Python from 3.10 can be run by another user")


@pytest.fixture
def open_path():
    """A directory that everybody may enter; pytest closes its own to others whenever it starts."""
    with tempfile.TemporaryDirectory(prefix="recordbake-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def baked(open_path):
    """An unpacked bake and the suite that it was recorded from."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a directory read-only and become nobody")
    (open_path / "suite.py").write_text(SUITE)
    with Site() as origin:
        env = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
        command = ["--", sys.executable, "suite.py", origin.url]
        assert recordbake("record", *command, cwd=open_path, env=env).returncode == 0
        assert recordbake("bake", cwd=open_path).returncode == 0
        unpacked = recordbake("unpack", ".recordbake/bake", "--to", "baked", cwd=open_path)
        assert unpacked.returncode == 0, unpacked.stderr
    return open_path / "baked", origin.url


@pytest.mark.parametrize("journal_mode", ["DELETE", "WAL"])
def test_nobody_replays_from_a_read_only_mount(baked, open_path, journal_mode):
    """A store in WAL mode, as a copy of a live one is, cannot be opened there in the usual way."""
    python = python_of_nobody()
    where, url = baked
    if journal_mode == "WAL":
        with closing(sqlite3.connect(where / "http_cache" / "requests_cache.sqlite")) as store:
            store.execute("PRAGMA journal_mode = WAL")
        (where / "manifest.json").unlink()
    shutil.copytree(ROOT / "recordbake", open_path / "lib" / "recordbake")
    shutil.copy(ROOT / "sitecustomize.py", open_path / "lib/recordbake/guest/_sitecustomize.py")
    (open_path / "tmp").mkdir()
    (open_path / "tmp").chmod(0o777)
    before = {path: path.stat() for path in sorted(where.rglob("*"))}
    command = [
        "unshare", "--mount", "sh", "-c", MOUNT, str(where), *NOBODY, python, "-m", "recordbake",
        "replay", "--strict", "--recording", str(where), "--", python, "suite.py", url,
    ]  # fmt: skip
    writable = str(open_path / "tmp")
    result = subprocess.run(
        command, cwd=open_path, capture_output=True, text=True, timeout=120, check=False,
        env=clean_environ(
            PYTHONPATH=str(open_path / "lib"), PYTHONDONTWRITEBYTECODE="1", TMPDIR=writable,
            HOME="/nonexistent", XDG_CACHE_HOME="/nonexistent", RECORDBAKE_CAPTURE_LOOPBACK="1",
        ),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout == "small 10\nlarge 100000\n"
    journal = Path(re.search(r"journal: (\S+)", result.stderr)[1])
    assert journal.is_relative_to(writable)
    assert journal.read_text().count('"hit"') == 2
    assert journal.stat().st_uid == 65534
    assert {path: path.stat() for path in sorted(where.rglob("*"))} == before
