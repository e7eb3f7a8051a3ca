"""How costs grow: CPU of whole processes by entries, body size, processes and tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.measure import cost
from bench.rows import SUITE
from bench.stores import grow, store_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.surroundings import Surroundings

    Point = tuple[int, dict[str, float]]


@dataclass(frozen=True)
class Growth:
    """Something that grows.

    Args:
        name: identifier in reports/bench.json and name of the picture.
        title: what costs how much.
        by: what grows.
        measure: takes the surroundings; yields how much there is of it, and seconds by side.
    """

    name: str
    title: str
    by: str
    measure: Callable[[Surroundings], Iterator[Point]]


def _sizes(s: Surroundings, *full: int) -> tuple[int, ...]:
    return (2, 4) if s.quick else full


def _entries(s: Surroundings) -> Iterator[Point]:
    code = "import urllib.request as u; u.urlopen('http://bench.example/0').read()"
    for entries in _sizes(s, 100, 1_000, 10_000, 100_000, 1_000_000):
        name = f"growth-entries-{entries}"
        store_of(s.path / name / ".recordbake", 1)
        grow(s.path / name / ".recordbake", entries - 1)
        command = ["replay", "--strict", "--", s.python, "-c", code]
        first = s.recordbake(name, *command).cpu  # checks the new store whole, once
        again = min(s.recordbake(name, *command).cpu for _ in range(3))
        yield entries, {"first replay": first, "each further replay": again}


def _bodies(s: Surroundings) -> Iterator[Point]:
    for size in _sizes(s, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000):
        wire = s.calls("requests-session", "wire", f"/{size}", 3)
        hooked = s.hooked(s.record(f"growth-bodies-{size}", *wire))
        yield (
            size,
            {
                "hit": min(cost(wire, env=hooked).figure("cpu") for _ in range(3)),
                "live": min(cost(wire, env=s.env).figure("cpu") for _ in range(3)),
            },
        )


def _processes(s: Surroundings) -> Iterator[Point]:
    for processes in _sizes(s, 1, 2, 4, 8, 16, 32):
        wire = [*s.calls("requests-session", "wire", "/1024", 50), processes]
        hooked = s.hooked(s.record(f"growth-processes-{processes}", *wire))
        yield (
            processes,
            {
                "replay": min(cost(wire, env=hooked).cpu for _ in range(2)),
                "live": min(cost(wire, env=s.env).cpu for _ in range(2)),
            },
        )


def _tests(s: Surroundings) -> Iterator[Point]:
    for tests in _sizes(s, 10, 100, 1_000, 4_000):
        name = f"growth-tests-{tests}"
        directory = s.path / name
        directory.mkdir(exist_ok=True)
        (directory / "test_suite.py").write_text(SUITE.format(tests=tests, base=s.base))
        command = [s.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_suite.py"]
        s.record(name, *command)
        yield (
            tests,
            {
                "strict replay": s.recordbake(name, "replay", "--strict", "--", *command).cpu,
                "live": cost(command, env=s.env, cwd=directory).cpu,
            },
        )


GROWTHS = (
    Growth("growth-entries", "Replay of one request", "entries in the store", _entries),
    Growth("growth-bodies", "A call through requests", "bytes of its body", _bodies),
    Growth("growth-processes", "50 requests in each process", "processes", _processes),
    Growth("growth-tests", "A suite with 5 requests in each test", "tests", _tests),
)
