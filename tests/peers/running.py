"""Runs one client with one peer: live, recording, replaying with the servers gone."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nox

from tests.clients.run import origins
from tests.peers.peer import NAMES, RECORD, REPLAY, Peer, load
from tests.support.cli import ROOT, clean_environ
from tests.support.environments import python_with

_PROGRAM = Path(__file__).with_name("asking.py")
_LIMIT = 600  # seconds for one run of a scenario
#: The plainest feature: whoever fails it was set up wrongly.
CONTROL = "text"
Seen = dict[str, Any]


@dataclass(frozen=True)
class Runs:
    """What a client's caller saw, feature by feature; none that is missing was come to.

    Args:
        live: without the tool.
        recorded: with the tool, while it records.
        replayed: with the tool, the servers gone.
        empty: the control feature in a replay of nothing.
    """

    live: Seen
    recorded: Seen
    replayed: Seen
    empty: Seen


def kept(where: Path) -> Runs:
    """What the last run left behind."""
    empty = where / "empty" / f"{REPLAY}.jsonl"
    modes = (where / f"{mode}.jsonl" for mode in ("live", RECORD, REPLAY))
    return Runs(*map(_read, modes), empty=_read(empty))


def _read(results: Path) -> Seen:
    return dict(json.loads(line) for line in results.read_text().splitlines())


@cache
def python_of(name: str) -> Path:
    """The interpreter of a peer's environment: the clients of the contract, and the tool."""
    project = nox.project.load_toml(ROOT / "pyproject.toml")
    return python_with(*nox.project.dependency_groups(project, "clients"), *load(name).requirements)


def run(name: str, client: str, where: Path) -> None:
    """One client with one peer, in an empty directory that keeps what was seen."""
    peer = load(name)
    with origins(where) as (servers, bases):
        ask = _Asker(name, peer, client, json.dumps(bases), where)
        ask("live")
        _forget(servers)
        ask(RECORD)
        asked = [len(server.requests) for server in servers]
    ask(REPLAY)
    bare = where / "empty"
    bare.mkdir()
    (bare / "ca.pem").write_bytes((where / "ca.pem").read_bytes())
    _Asker(name, peer, client, json.dumps(bases), bare)(REPLAY, CONTROL)
    assert asked == [len(server.requests) for server in servers], "the servers were not gone"


def _forget(servers):
    for server in servers:
        server._counts.clear()


@dataclass(frozen=True)
class _Asker:
    name: str
    peer: Peer
    client: str
    bases: str
    where: Path

    def __call__(self, mode: str, *features: str) -> None:
        """Run the scenario; ``live`` has no tool around it."""
        results = self.where / f"{mode}.jsonl"
        results.touch()
        authority = str(self.where / "ca.pem")
        env = clean_environ(
            SSL_CERT_FILE=authority, REQUESTS_CA_BUNDLE=authority, HTTPLIB2_CA_CERTS=authority,
            PYTHONDONTWRITEBYTECODE="1",
        )  # fmt: skip
        name, peer = ("nothing", load("nothing")) if mode == "live" else (self.name, self.peer)
        with peer.outside(mode, self.where) as around:
            command = [
                *around.before, str(python_of(self.name)), str(_PROGRAM), name, mode, self.client,
                self.bases, str(results), *features,
            ]  # fmt: skip
            with (self.where / f"{mode}.log").open("w") as log:
                try:
                    subprocess.run(
                        command, cwd=self.where, env=env | around.env, check=False,
                        timeout=_LIMIT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    )  # fmt: skip
                except subprocess.TimeoutExpired:
                    log.write(f"ended after {_LIMIT} seconds\n")


def versions() -> dict[str, str]:
    """Of the tools and the clients, as they are installed."""
    project = nox.project.load_toml(ROOT / "pyproject.toml")
    wanted = {*nox.project.dependency_groups(project, "clients")}
    found: dict[str, str] = {}
    for name in NAMES:
        peer = load(name)
        names = {_bare(requirement) for requirement in (*peer.requirements, *wanted)}
        found |= _frozen(python_of(name), names)
        if peer.own:
            found |= _frozen(python_with(*peer.own), set(map(_bare, peer.own)))
    return dict(sorted(found.items()))


def _bare(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement)[0]


def _frozen(python: Path, names: set[str]) -> dict[str, str]:
    program = (
        "import sys, json, importlib.metadata as m;"
        "print(json.dumps({name: m.version(name) for name in sys.argv[1:]}))"
    )
    done = subprocess.run(
        [str(python), "-c", program, *sorted(names)], capture_output=True, text=True, check=True
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found
