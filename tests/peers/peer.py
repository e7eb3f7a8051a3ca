"""A peer: a tool that is put to the contract, and how its own documentation says to use it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from tests.clients.features import TAKES

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

#: Each is a file of ``tests/peers/tools``; in the order of the page.
NAMES = (
    "recordbake", "vcrpy", "pytest_recording", "cassetter", "requests_cache", "hishel",
    "mitmproxy", "nothing",
)  # fmt: skip
RECORD, REPLAY = "record", "replay"


@dataclass
class Scenario:
    """A client's features, to be asked one after the other in this process.

    Args:
        client: its name in the contract.
        features: their names, in order.
        ask: asks for one and keeps what was seen. The first call builds the client.
    """

    client: str
    features: list[str]
    ask: Callable[[str], None]

    def run(self) -> None:
        """Ask for all."""
        for feature in self.features:
            self.ask(feature)

    def tests(self) -> dict[str, list[str]]:
        """The features as tests would ask for them: each alone, the polling of a job in one."""
        alone = {feature: [feature] for feature in self.features if feature not in TAKES}
        polling = [feature for feature in self.features if feature in TAKES]
        return alone | ({"job": polling} if polling else {})


@dataclass(frozen=True)
class Surroundings:
    """What is around the process of the scenario.

    Args:
        before: words before the command.
        env: variables that it gets.
    """

    before: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)


def _straight(_mode: str, _where: Path, scenario: Scenario) -> None:
    scenario.run()


def _no_surroundings(_mode: str, _where: Path) -> AbstractContextManager[Surroundings]:
    return nullcontext(Surroundings())


@dataclass(frozen=True)
class Peer:
    """One tool.

    Args:
        name: as its project writes it.
        setup: how it is used here, for the page.
        clients: of the contract, those which it says it supports.
        why_not: client -> why it is not asked; a client that is in neither is an error.
        not_claimed: group or feature of the contract -> what the tool never says it does. What
            is lost there is counted apart.
        requirements: installed beside the clients, in the environment of the scenario.
        own: installed into an environment of its own, where the tool is another process.
        drive: in the process of the scenario: ``(mode, where, scenario)``, runs the scenario with
            the tool around it. ``mode`` is ``record`` or ``replay``; both have the same ``where``.
        outside: in the process of the harness: ``(mode, where)``, a context manager around the
            process of the scenario.
    """

    name: str
    setup: str
    clients: tuple[str, ...]
    why_not: dict[str, str] = field(default_factory=dict)
    not_claimed: dict[str, str] = field(default_factory=dict)
    requirements: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    drive: Callable[[str, Path, Scenario], None] = _straight
    outside: Callable[[str, Path], AbstractContextManager[Surroundings]] = _no_surroundings


def load(name: str) -> Peer:
    """The peer of a file in ``tests/peers/tools``; importing it does not import the tool."""
    found: Peer = import_module(f"tests.peers.tools.{name}").PEER
    return found
