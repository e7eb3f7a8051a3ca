"""What keeps a suite from the Hub alone, and what it answers of a list of calls, the Hub gone.

These are no recorders of HTTP: each has the caches that an online run of the same calls left.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.cli import ROOT, clean_environ
from tests.support.environments import python_with

_PROGRAM = Path(__file__).with_name("hub_asking.py")
_EXAMPLES = ROOT / "examples"
_REQUIREMENTS = ("huggingface_hub>=1",)
#: Way -> what it is, for the page.
WAYS = {
    "`HF_HUB_OFFLINE=1`": "with the Hub's cache that a run left which made the same calls",
    "a warm-up job": "with that cache, and no variable",
    "recordbake": "`recordbake replay --strict` of a recording of that run",
}


def run(where: Path) -> dict[str, Any]:
    """What each way answers, and how often it still asks a Hub that is there.

    Returns:
        ``calls``: call -> way -> ``same``, or what was raised, or ``other``; ``asked``: way ->
        requests; ``version`` of huggingface_hub.
    """
    shutil.rmtree(where, ignore_errors=True)
    where.mkdir(parents=True)
    python = str(python_with(*_REQUIREMENTS))
    command, state = [python, str(_PROGRAM)], where / "state"
    recorder = [sys.executable, "-m", "recordbake"]
    recording = ["--recording", str(where / ".recordbake"), "--"]
    live = _with_hub(command, state)
    asked = {"no cache, online": _count(state)}
    recorded = _with_hub([*recorder, "record", *recording, *command], where / "recorder")
    replay = [*recorder, "replay", "--strict", *recording, *command]
    found = {
        "`HF_HUB_OFFLINE=1`": _without_hub(command, state, HF_HUB_OFFLINE="1"),
        "a warm-up job": _without_hub(command, state),
        "recordbake": _without_hub(replay, where / "recorder"),
    }
    if recorded != live:
        raise SystemExit("peers: the Hub's answers differ while recordbake records")
    again = where / "recorder"
    _with_hub(command, state, HF_HUB_OFFLINE="1")
    asked["`HF_HUB_OFFLINE=1`"] = _count(state)
    _with_hub(command, state)
    asked["a warm-up job"] = _count(state)
    _with_hub(replay, again)
    asked["recordbake"] = _count(again)
    calls = {
        call: {way: _verdict(live[call], results[call]) for way, results in found.items()}
        for call in live
    }
    return {"calls": calls, "asked": asked, "version": _version(python)}


def _verdict(live: Any, found: Any) -> str:
    if found == live:
        return "same"
    return found["raised"] if isinstance(found, dict) and "raised" in found else "other"


def _count(state: Path) -> int:
    """How many requests the stand-in has answered since it was last started."""
    return int((state / "count").read_text())


def _with_hub(command: list[str], state: Path, **more: str) -> dict[str, Any]:
    wrapped = [
        sys.executable, str(_EXAMPLES / "with_server.py"), "--state", str(state), "--", *command
    ]  # fmt: skip
    # with_server takes HF_* variables away, which would lead past its stand-in.
    wrapped = [*wrapped[:5], "env", *(f"{k}={v}" for k, v in more.items()), *wrapped[5:]]
    return _run(wrapped, clean_environ(), state)


def _without_hub(command: list[str], state: Path, **more: str) -> dict[str, Any]:
    """The same surroundings, but nobody listens."""
    sys.path.insert(0, str(_EXAMPLES))
    try:
        from with_server import surroundings
    finally:
        sys.path.remove(str(_EXAMPLES))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{probe.getsockname()[1]}"
    around = surroundings(state, proxy)
    names = ("PATH", "HOME", "LANG")
    kept = {k: v for k, v in around.items() if k in names or k not in clean_environ()}
    return _run(command, clean_environ(**kept, **more), state)


def _run(command: list[str], env: dict[str, str], state: Path) -> dict[str, Any]:
    state.mkdir(exist_ok=True)
    done = subprocess.run(
        command, env=env, cwd=state, capture_output=True, text=True, check=False, timeout=600
    )
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"peers: {' '.join(command)}\n{done.stdout}{done.stderr}") from None
    return found


def _version(python: str) -> str:
    program = "import huggingface_hub; print(huggingface_hub.__version__)"
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()
