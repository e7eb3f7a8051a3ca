"""The lock files hold, with hashes, what is declared, and name no index."""

from __future__ import annotations

import re
import sys

import pytest
from packaging.requirements import Requirement

from tests.support.cli import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)(?: ; [^\\]*)? \\$", re.MULTILINE)


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for package, version in PIN.findall((ROOT / name).read_text()):
        found.setdefault(canonical(package), []).append(version)
    return found


def declared():
    """What pyproject.toml asks for, in the groups that are locked."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, groups = document["project"], document["dependency-groups"]
    texts = list(project["dependencies"])
    texts += [text for extra in project["optional-dependencies"].values() for text in extra]
    texts += [t for g in ("tests", "lint", "types") for t in groups[g] if isinstance(t, str)]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("name", ["requirements.lock", ".github/nox.lock"])
def test_every_release_has_hashes_and_no_index_is_named(name):
    text = (ROOT / name).read_text()
    entries = re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]
    assert entries
    for entry in entries:
        lines = entry.splitlines()
        assert PIN.match(entry), lines[0]
        assert len(lines) > 1
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", x) for x in lines[1:])
    assert "://" not in text


@pytest.mark.parametrize("requirement", declared(), ids=str)
def test_what_is_declared_is_locked(requirement):
    """If not: nox -s lock."""
    versions = pins("requirements.lock").get(canonical(requirement.name), [])
    assert any(requirement.specifier.contains(version, prereleases=True) for version in versions)


def test_the_workflows_install_what_is_locked():
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        for line in path.read_text().splitlines():
            assert "pip install" not in line or "--require-hashes" in line, f"{path}: {line}"
    assert pins(".github/nox.lock")["nox"]
