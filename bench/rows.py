"""The rows of docs/reference/benchmarks.md: what is set against what, and the bar for it."""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.measure import cost, interleave, ratio
from bench.surroundings import HERE, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.surroundings import Surroundings


HUB = HERE / "hub.py"


@dataclass
class Result:
    """A row measured.

    Args:
        value: the ratio of medians, or a figure in ``unit``.
        sides: the figures of each side (seconds, or bytes for memory), round by round.
        peers: ratios of other tools, measured in the same rounds.
    """

    value: float
    sides: dict[str, list[float]]
    peers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A row to measure.

    Args:
        name: identifier in reports/bench.json.
        what: what is set against what.
        how: CPU or wall, of what.
        bar: what the figure must not exceed; None for figures that only inform.
        measure: takes the surroundings and the number of rounds.
        unit: ``ratio`` or ``ms``.
    """

    name: str
    what: str
    how: str
    bar: float | None
    measure: Callable[[Surroundings, int], Result]
    unit: str = "ratio"


def _pair(sides: dict[str, Callable[[], float]], rounds: int) -> Result:
    """The first side over the second; further sides are peers, over the second too."""
    found = interleave(sides, rounds)
    ours, theirs, *others = found
    peers = {name: ratio(found[name], found[theirs]) for name in others}
    return Result(ratio(found[ours], found[theirs]), found, peers)


# -- processes ---------------------------------------------------------------------------------


def _process(code: str, repeat: int) -> Callable[[Surroundings, int], Result]:
    def measure(s: Surroundings, rounds: int) -> Result:
        hooked, command = s.hooked(None), [s.python, "-c", code]
        cost(command, env=hooked)
        return _pair(
            {
                "hooked": lambda: cost(command, env=hooked).cpu,
                "not hooked": lambda: cost(command, env=s.env).cpu,
            },
            rounds * s.size(repeat, 1),
        )

    return measure


def _first_hit(s: Surroundings, rounds: int) -> Result:
    recording = s.record("first", *s.calls("requests", "wire", "/1024", 1))
    hooked, wire = s.hooked(recording), s.calls("requests", "wire", "/1024", 1)
    own = s.calls("requests", "dict", "/1024", 1)
    found = interleave(
        {
            "first hit": lambda: cost(wire, env=hooked).figure("first_cpu"),
            "first call of the client": lambda: cost(own, env=s.env).figure("first_cpu"),
        },
        rounds * s.size(3, 1),
    )
    hit, call = map(statistics.median, found.values())
    return Result((hit - call) * 1000, found)


# -- calls -------------------------------------------------------------------------------------


def _hit_over_dict(client: str, *, again: bool) -> Callable[[Surroundings, int], Result]:
    def measure(s: Surroundings, rounds: int) -> Result:
        count, urls = s.size(1500, 20), s.size(50, 5) if again else None
        wire = s.calls(client, "wire", "/1024", count, urls)
        hooked = s.hooked(s.record(f"hits-{client}-{urls}", *wire))
        own = s.calls(client, "dict", "/1024", count, urls)
        least = s.calls(client, "look-up", "/1024", count, urls)
        return _pair(
            {
                "hit": lambda: cost(wire, env=hooked).figure("cpu"),
                "dict": lambda: cost(own, env=s.env).figure("cpu"),
                "a look-up alone": lambda: cost(least, env=hooked).figure("cpu"),
            },
            rounds,
        )

    return measure


def _hit_over_live(client: str, peers: tuple[str, ...]) -> Callable[[Surroundings, int], Result]:
    def measure(s: Surroundings, rounds: int) -> Result:
        count = s.size(2000, 20)
        wire = s.calls(client, "wire", "/1024", count)
        hooked = s.hooked(s.record("live-" + client, *wire))
        sides = {
            "hit": lambda: cost(wire, env=hooked).figure("wall"),
            "live": lambda: cost(wire, env=s.env).figure("wall"),
        }
        result = _pair(sides, rounds)
        for peer in (
            peers if s.peers else ()
        ):  # once: a peer may take a minute for what takes us one
            figures = result.sides[peer] = [_peer(s, client, peer, count)()]
            result.peers[peer] = ratio(figures, result.sides["live"])
        return result

    return measure


def _peer(s: Surroundings, client: str, peer: str, count: int) -> Callable[[], float]:
    """A peer's replay of the same calls, from its own recording of them."""
    command = s.calls(client, f"{peer}:{s.path / (client + '-' + peer)}", "/1024", count)
    command[0] = str(s.peers)
    cost(command, env=s.env)  # the first run records
    return lambda: cost(command, env=s.env).figure("wall")


def _large(client: str) -> Callable[[Surroundings, int], Result]:
    def measure(s: Surroundings, rounds: int) -> Result:
        count, size = s.size(12, 2), s.size(10 * 1024 * 1024, 100_000)
        wire = s.calls(client, "wire", f"/{size}", count)
        hooked = s.hooked(s.record("large-" + client, *wire))
        (s.path / "body").write_bytes(b"x" * size)
        own = s.calls(client, f"file:{s.path / 'body'}", f"/{size}", count)
        return _pair(
            {
                "hit": lambda: cost(wire, env=hooked).figure("cpu"),
                "file": lambda: cost(own, env=s.env).figure("cpu"),
            },
            rounds,
        )

    return measure


def _streamed(mode: str) -> Callable[[Surroundings, int], Result]:
    def measure(s: Surroundings, rounds: int) -> Result:
        size = s.size(200 * 1024 * 1024, 1_000_000)
        wire = s.calls("requests-stream", "wire", f"/{size}", 1)
        if mode == "record":
            hooked = s.hooked(None, "record")
        else:
            hooked = s.hooked(s.record("streamed", *wire))
        return _pair(
            {
                "hooked": lambda: float(cost(wire, env=hooked).peak),
                "live": lambda: float(cost(wire, env=s.env).peak),
            },
            min(rounds, 3),
        )

    return measure


# -- runs --------------------------------------------------------------------------------------


def _recording(processes: int) -> Callable[[Surroundings, int], Result]:
    def measure(s: Surroundings, rounds: int) -> Result:
        count = s.size(1000, 16)
        wire = s.calls("requests-session", "wire", "/1024", count // processes)
        wire = [*wire, processes]
        name = f"record-{processes}"

        def record() -> float:
            import shutil

            shutil.rmtree(s.path / name, ignore_errors=True)
            return s.recordbake(name, "record", "--", *wire).wall

        return _pair({"recorded": record, "unrecorded": lambda: cost(wire, env=s.env).wall}, rounds)

    return measure


SUITE = """
import pytest, requests
session = requests.Session()

@pytest.mark.parametrize("n", range({tests}))
def test_requests(n):
    for i in range(5):
        assert session.get(f"{base}/1024/{{n}}-{{i}}").status_code == 200
"""


def _suite(s: Surroundings, rounds: int) -> Result:
    directory = s.path / "suite"
    directory.mkdir(exist_ok=True)
    text = SUITE.format(tests=s.size(2000, 5), base=s.base)
    (directory / "test_suite.py").write_text(text)
    command = [s.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_suite.py"]
    s.record("suite", *command)
    return _pair(
        {
            "strict": lambda: s.recordbake("suite", "replay", "--strict", "--", *command).wall,
            "live": lambda: cost(command, env=s.env, cwd=directory).wall,
        },
        min(rounds, 3),
    )


def _hub(s: Surroundings, rounds: int) -> Result:
    """The hub's stand-in of the examples is asked while recording, and is gone in the replay."""
    sys.path.append(str(ROOT / "examples"))
    from standin import StandIn  # type: ignore[import-not-found]

    calls = [s.python, HUB, s.size(100, 2)]
    with StandIn(s.path / "standin") as internet:
        led = s.env | internet.environment()
        s.recordbake("hub", "record", "--", *calls, env=led)
    cache = {"HF_HOME": str(s.recording("hub").hf_cache), "HF_HUB_OFFLINE": "1"}
    replay = ["replay", "--strict", "--", *calls]
    return _pair(
        {
            "strict": lambda: s.recordbake("hub", *replay, env=led).figure("cpu"),
            "offline": lambda: cost(calls, env=s.env | cache).figure("cpu"),
        },
        rounds,
    )


def _entries(s: Surroundings, rounds: int) -> Result:
    from bench.stores import store_of

    large, small = s.size(100_000, 300), s.size(100, 10)
    sides = {}
    for name, entries in (("large", large), ("small", small)):
        store_of(s.path / name / ".recordbake", entries)
        code = "import urllib.request as u; u.urlopen('http://bench.example/0').read()"
        command = ["replay", "--strict", "--", s.python, "-c", code]
        s.recordbake(name, *command)  # a store that is new is checked whole, once

        def replay(name: str = name, command: list[str] = command) -> float:
            return s.recordbake(name, *command).cpu

        sides[name] = replay
    return _pair(sides, rounds * s.size(8, 1))  # a third of a second each, and no call to count


def _audit(figure: str) -> Callable[[Surroundings, int], Result]:
    def measure(s: Surroundings, _: int) -> Result:
        from bench.stores import journal_of

        costs = s.kept.get("audit")
        if costs is None:
            journal = journal_of(s.path / "audit" / ".recordbake", s.size(1_000_000, 2000))
            journal_of(s.path / "audit-small" / ".recordbake", 100)
            s.recordbake("audit-small", "audit")  # so that what both import is compiled
            read = f"import pandas; pandas.read_json({str(journal)!r}, lines=True)"
            costs = s.kept["audit"] = {
                "audit": s.recordbake("audit", "audit"),
                "pandas": cost([s.python, "-c", read], env=s.env),
            }
        return _pair({n: lambda c=c: float(getattr(c, figure)) for n, c in costs.items()}, 1)

    return measure


def _page(s: Surroundings, rounds: int) -> Result:
    """The page that the audit above has written, and its rows as one table without any style."""
    from bench.browser import longest_task, plain_rows

    page, plain = s.path / "audit" / "reports" / "audit.html", s.path / "plain.html"
    if not page.exists():
        _audit("cpu")(s, 1)
    plain.write_text(plain_rows(page), encoding="utf-8")
    sides = {"audit": page, "the same rows, plain": plain}
    found = interleave({n: lambda p=p: longest_task(p) for n, p in sides.items()}, rounds)
    return Result(statistics.median(found["audit"]), found)


def _bake(s: Surroundings, _: int) -> Result:
    from bench.stores import bodies_of

    directory = s.path / "bake" / ".recordbake"
    bodies_of(directory, s.size(1 << 30, 1 << 20))
    tar = f"tar cf - -C {directory} http_cache | pigz > {s.path / 'tar.gz'}"
    return _pair(
        {
            "bake": lambda: s.recordbake("bake", "bake").cpu,
            "tar | pigz": lambda: cost(["sh", "-c", tar], env=s.env).cpu,
        },
        1,
    )


PEERS = ("requests-cache", "vcrpy", "cassetter")
CPU, WALL, CALL = "CPU of the whole process", "wall of the whole command", "CPU of a call, mean"
LIVE = "wall of a call, mean; 2,000 entries of 1 KB"

ROWS = (
    Row("start-up", "`python -c pass`, hooked over not hooked", CPU, 1.3, _process("pass", 8)),
    Row("import-requests", "`import requests`, hooked over not hooked", CPU, 1.1,
        _process("import requests", 16)),
    Row("first-hit", "first hit of a process, less the first call of the client itself",
        "CPU of the call, milliseconds", 15, _first_hit, "ms"),
    Row("hit-requests", "`requests.get` hit over the same with a transport that answers from a dict,"
        " each URL once", CALL, 1.3, _hit_over_dict("requests", again=False)),
    *(
        Row(f"hit-{client}", f"the same through {client}", CALL, 1.5,
            _hit_over_dict(client, again=False))
        for client in ("httpx", "httpx2", "urllib3")
    ),
    Row("again-requests", "`requests.get` hit over the same with a transport that answers from a dict,"
        " 50 URLs 30 times each", CALL, 1.3, _hit_over_dict("requests", again=True)),
    *(
        Row(f"again-{client}", f"the same through {client}", CALL, 1.5,
            _hit_over_dict(client, again=True))
        for client in ("httpx", "httpx2", "urllib3")
    ),
    Row("live-requests", "hit through requests over live keep-alive on loopback", LIVE, 0.45,
        _hit_over_live("requests-session", PEERS)),
    Row("live-httpx", "hit through httpx over live keep-alive on loopback", LIVE, 0.30,
        _hit_over_live("httpx", ("cassetter", "vcrpy"))),
    Row("live-aiohttp", "hit through aiohttp over live keep-alive on loopback", LIVE, 1.0,
        _hit_over_live("aiohttp", ())),
    Row("large-requests", "10 MB hit through requests over handing it a file", CALL, 1.2,
        _large("requests-session")),
    Row("large-httpx", "10 MB hit through httpx over handing it a file", CALL, 1.2,
        _large("httpx")),
    Row("memory-record", "200 MB streamed while recording over live", "peak memory", 1.5,
        _streamed("record")),
    Row("memory-replay", "200 MB streamed in a replay over live", "peak memory", 1.5,
        _streamed("replay_strict")),
    Row("record-1", "recording 1,000 URLs over not recording", WALL, 1.3, _recording(1)),
    Row("record-8", "the same in 8 processes", WALL, 1.3, _recording(8)),
    Row("suite", "strict suite of 2,000 tests with 5 requests each over the same suite live",
        WALL, 1.0, _suite),
    Row("hub", "100 warm `hf_hub_download` in a strict replay over `HF_HUB_OFFLINE=1`",
        "CPU of the calls", 4, _hub),
    Row("entries", "replay of one request from 100,000 entries over 100 entries",
        "CPU of the whole command", 1.1, _entries),
    Row("bake", "bake of 1 GiB over `tar | pigz`", "CPU of the whole command", 0.3, _bake),
    Row("audit-cpu", "audit of 1,000,000 events and 20,000 entries over `pandas.read_json` alone",
        "CPU of the whole command", 1 / 3, _audit("cpu")),
    Row("audit-memory", "the same", "peak memory", 1 / 5, _audit("peak")),
    Row("audit-page", "the page of that audit, opened in Chromium",
        "longest task of more than 50 ms, median", 50, _page, "ms"),
)  # fmt: skip
