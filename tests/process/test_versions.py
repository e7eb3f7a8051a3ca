"""A client release that recordbake does not know is named, and fails a strict replay."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import httpx
import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from recordbake.guest.clients.versions import SUPPORTED, problem
from tests.support.cli import ROOT, recordbake


@pytest.fixture(params=["later", "rebuilt"])
def release(request, tmp_path):
    """An httpx that calls itself 9.1: today's code, or one that is built in another way."""
    package = tmp_path / "httpx"
    if request.param == "later":
        shutil.copytree(Path(httpx.__file__).parent, package)
        (package / "__version__.py").write_text('__title__ = "httpx"\n__version__ = "9.1"\n'
                                                '__description__ = ""\n')  # fmt: skip
    else:
        package.mkdir()
        (package / "__init__.py").write_text('__version__ = "9.1"')
    return request.param


def run(where, verb, *flags):
    return recordbake(verb, *flags, "--", sys.executable, "-c", "import httpx", cwd=where)


def test_strict_fails_unless_it_is_accepted(tmp_path, release):
    recorded = run(tmp_path, "record")
    assert recorded.returncode == (0 if release == "later" else 11), recorded.stderr
    replayed = run(tmp_path, "replay", "--strict")
    assert replayed.returncode == 10
    accepted = run(tmp_path, "replay", "--strict", "--untested-clients")
    assert accepted.returncode == (0 if release == "later" else 10), accepted.stderr
    for result in (recorded, replayed, accepted):
        assert "Traceback" not in result.stderr
        said = "httpx 9.1 is not one that recordbake knows: it supports >="
        assert (said if release == "later" else "httpx cannot be hooked: ") in result.stderr


def test_the_contract_is_tested_at_both_ends():
    group = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["clients"]
    for client in SUPPORTED.keys() - {"http.client"}:
        lowest, below = SUPPORTED[client]
        assert f"{client}>={lowest},<{below}" in {re.sub(r"\[.*?\]", "", line) for line in group}


@pytest.mark.parametrize("client", SUPPORTED)
def test_ranges(client):
    lowest, below = SUPPORTED[client]
    assert not problem(client, lowest)
    assert not problem(client, lowest + ".1")
    for outside in (below, below + ".0rc1", below + ".1", "0.1", "unknown", ""):
        assert client in problem(client, outside)
