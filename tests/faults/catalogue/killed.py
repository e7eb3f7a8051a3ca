"""SIGKILL of the runner, of a worker, of all, at a random moment of everything that writes.

Afterwards every entry that was reported as stored is there and whole, the store passes SQLite's
integrity check, the next run goes on by itself, no half-written output carries its final name,
no process goes on, and no litter stays.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from recordbake.bake import bake, unpack
from recordbake.bake.stored import check_answers
from recordbake.recording import Recording
from recordbake.store import check
from recordbake.uniting import unite
from tests.faults.fault import Fault
from tests.faults.processes import Started, command, run, sound
from tests.support.bakes import NAMES, make_sample
from tests.support.origin import LARGE, TEXT, Origin
from tests.support.sample import captured, make_recording

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.fault import Trial

PROGRAM = """
import subprocess, sys, urllib.request
import requests
url, who = sys.argv[1], int(sys.argv[2])
workers = [
    subprocess.Popen([sys.executable, __file__, url, str(n)]) for n in (1, 2) if not who
]
for n in range(8):
    for path in (f"/{who}-{n}", f"/text?{who}-{n}", f"/medium?{who}-{n}"):
        if n % 2:
            requests.get(url + path, timeout=60)
        else:
            urllib.request.urlopen(url + path, timeout=60).read()
sys.exit(any([worker.wait() for worker in workers]))
"""
NEXT = """
import sys, urllib.request
urllib.request.urlopen(sys.argv[1] + "/next").read()
"""
AGAIN = """
import hashlib, json, sys, urllib.request
for url, digest in json.load(open("stored.json")):
    body = urllib.request.urlopen(url).read()
    if hashlib.sha256(body).hexdigest() != digest:
        sys.exit(f"another body for {url}")
"""


def noise(size: int) -> bytes:
    import random

    return random.Random(size).randbytes(size)


def moment(chance: random.Random, whole: float) -> None:
    """Sleep for a random part of a command's whole duration, in seconds."""
    time.sleep(chance.uniform(0, whole * 1.05))


def duration(trial: Trial, name: str, once: Callable[[Path], object]) -> float:
    """How long something takes here when nothing disturbs it, in seconds; measured once."""

    def measure(where: Path) -> None:
        started = time.monotonic()
        once(where)
        (where / "seconds").write_text(str(time.monotonic() - started))

    return float((trial.shared(f"{name} takes", measure) / "seconds").read_text())


# --- recording ------------------------------------------------------------------------------------


def _program(where: Path, origin: Origin) -> list[str]:
    (where / "program.py").write_text(PROGRAM)
    return command("record", "--", sys.executable, "program.py", origin.url, 0)


def _record_once(where: Path) -> None:
    with Origin() as origin, Started(_program(where, origin), where) as started:
        result = started.end()
        assert result.returncode == 0, result.stderr


def reported(recording: Path) -> dict[str, str]:
    """What the journals say was stored whole, URL by key; torn lines are left out."""
    found = {}
    journals = [*recording.glob("runs/*/shards/*.ndjson"), *recording.glob("runs/*/*.ndjson")]
    for path in journals:
        for line in path.read_bytes().splitlines():
            if line.endswith(b"}"):
                event = json.loads(line)
                if event.get("outcome") == "stored" and "error" not in event:
                    found[event["key"]] = event["url"]
    return found


def _body(url: str) -> bytes:
    path = urlsplit(url).path
    return {"/text": TEXT, "/medium": LARGE[:500_000]}.get(path, path.encode())


def _look_at_recording(trial: Trial, stored: dict[str, str]) -> None:
    from hashlib import sha256

    recording = Recording(trial.where / ".recordbake")
    check(recording.store)
    check_answers(recording.store, where=recording.store)
    with closing(sqlite3.connect(recording.store)) as connection:
        answer = connection.execute("PRAGMA integrity_check").fetchone()[0]
        trial.check(answer == "ok", f"integrity check: {answer}")
        rows = dict(connection.execute("SELECT key, body_sha256 FROM entries WHERE NOT suspect"))
    for key, url in stored.items():
        if rows.get(key) != sha256(_body(url)).hexdigest():
            trial.lost(f"{url} was reported as stored")
    again = [(url, sha256(_body(url)).hexdigest()) for url in stored.values()]
    (trial.where / "stored.json").write_text(json.dumps(again))
    (trial.where / "again.py").write_text(AGAIN)
    replayed = run(trial.where, "replay", "--strict", "--", sys.executable, "again.py")
    if replayed.returncode:
        trial.lost(f"the replay of what was stored says: {replayed.stderr[-2000:]}")
    litter(trial)


#: What Python's tempfile tries a directory with, and removes at once: nobody can know of it.
_PROBE = re.compile(r"tmp/[a-z0-9_]{8}")


def litter(trial: Trial, *allowed: str) -> None:
    """Temporary files that are left, or shards of a run that nobody will take up."""
    found = [
        path.relative_to(trial.where).as_posix()
        for path in (*trial.where.glob("tmp/*"), *trial.where.rglob(".*"), *trial.where.rglob("*"))
        if path.parent.name == "tmp" or path.name == "shards"
        or path.suffix in (".tmp", ".part") or ".baking-" in path.name or ".unpacking" in path.name
    ]  # fmt: skip
    found = [name for name in found if name not in allowed and not _PROBE.fullmatch(name)]
    trial.check(not found, f"litter: {sorted(set(found))}")


def recording(victim: str) -> Callable[[Trial], None]:
    """Kill ``victim`` while recording."""

    def inject(trial: Trial) -> None:
        whole = duration(trial, "recording", _record_once)
        with Origin() as origin:
            with Started(_program(trial.where, origin), trial.where) as started:
                moment(trial.chance, whole)
                if victim == "runner":
                    started.kill(started.process.pid)
                elif victim == "all":
                    started.kill_all()
                else:
                    below = started.below()
                    if below:
                        started.kill(trial.chance.choice(below))
                    result = started.end()
                    trial.check(not sound(result), sound(result))
                if not started.alone():
                    trial.hung(f"{victim} killed, and {started.members()} go on")
            stored = reported(trial.where / ".recordbake")
            (trial.where / "next.py").write_text(NEXT)
            result = run(trial.where, "record", "--", sys.executable, "next.py", origin.url)
            trial.check(result.returncode == 0, f"the next run: {result.stderr[-2000:]}")
        _look_at_recording(trial, stored)

    return inject


WAITING = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=-1)
pathlib.Path("waiting").touch()
time.sleep(600)
"""


def orphaned(*verb: str) -> Callable[[Trial], None]:
    """Kill a runner whose command would go on for long."""

    def inject(trial: Trial) -> None:
        from tests.faults.processes import until

        make_recording(trial.where / ".recordbake", [captured("https://x.example/")])
        (trial.where / "program.py").write_text(WAITING)
        words = command(*verb, "--", sys.executable, "program.py")
        with Started(words, trial.where) as started:
            assert until((trial.where / "waiting").exists, 60), started.stderr()
            started.kill(started.process.pid)
            if not started.alone():
                trial.hung(f"its runner was killed, and {started.members()} go on")
        result = run(trial.where, "replay", "--", sys.executable, "-c", "pass")
        trial.check(result.returncode == 0, f"the next run: {result.stderr[-2000:]}")
        litter(trial)

    return inject


# --- everything else that writes ------------------------------------------------------------------


def _sample(where: Path) -> None:
    sample = make_sample(where, large=[noise(3_000_000), noise(200_000)])
    bake(sample, where / "bake")
    unpack(where / "bake", where / "unpacked")
    other = make_sample(where / "other", large=[noise(100_000)])
    bake(other, where / "other-bake")
    unite([sample, other], Recording(where / "united"))
    result = run(where, "audit", "--recording", sample.path, "--out", where / "reports")
    assert result.returncode == 0, result.stderr


def tree(directory: Path) -> dict[str, bytes]:
    """Every file below a directory, and each link as what it says."""
    return {
        path.relative_to(directory).as_posix(): str(path.readlink()).encode()
        if path.is_symlink() else path.read_bytes()
        for path in sorted(directory.rglob("*")) if path.is_symlink() or path.is_file()
    }  # fmt: skip


def _killed(trial: Trial, name: str, *arguments: object) -> None:
    """Run a command and kill it at a random moment."""

    def once(where: Path) -> None:
        words = [where / word.name if isinstance(word, _Output) else word for word in arguments]
        result = run(where, *words)
        assert result.returncode == 0, result.stderr

    whole = duration(trial, name, once)
    words = [trial.where / w.name if isinstance(w, _Output) else w for w in arguments]
    with Started(command(*words), trial.where) as started:
        moment(trial.chance, whole)
        started.kill_all()
        if not started.alone():
            trial.hung(f"{started.members()} go on")


class _Output(str):
    """The name of an output in the trial's directory."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return str(self)


def baking(trial: Trial) -> None:
    """Kill a bake, beside an older one or not."""
    shared = trial.shared("sample", _sample)
    out, good, old = trial.where / "bake", tree(shared / "bake"), tree(shared / "other-bake")
    before = {}
    if trial.chance.random() < 0.5:
        shutil.copytree(shared / "other-bake", out)
        before = old
    arguments = ("bake", "--recording", shared / "recording", "--out")
    _killed(trial, "baking", *arguments, _Output("bake"))
    found = {name: (out / name).read_bytes() for name in NAMES if (out / name).exists()}
    for name, data in found.items():
        trial.check(data in (good[name], before.get(name)), f"{name} is half-written")
    if "manifest.json" in found:
        trial.check(found in (good, before), "a manifest stands beside another bake's archives")
    result = run(trial.where, *arguments, out)
    trial.check(result.returncode == 0, f"the next run: {result.stderr[-2000:]}")
    trial.check(tree(out) == good, f"the next bake is another one, or left {sorted(tree(out))}")
    litter(trial)


def unpacking(trial: Trial) -> None:
    """Kill an unpack, over an older one or not."""
    shared = trial.shared("sample", _sample)
    to, good, before = trial.where / "to", tree(shared / "unpacked"), {}
    if trial.chance.random() < 0.5:
        unpack(shared / "other-bake", to)
        before = tree(to)
    _killed(trial, "unpacking", "unpack", shared / "bake", "--to", _Output("to"))
    if to.exists():
        trial.check(_unpacked(to) in (good, before), "a half-unpacked tree has its final name")
    result = run(trial.where, "unpack", shared / "bake", "--to", to)
    trial.check(result.returncode == 0, f"the next run: {result.stderr[-2000:]}")
    trial.check(tree(to) == good, "the next unpack is another one")
    litter(trial)


def _unpacked(to: Path) -> dict[str, bytes]:
    """What of a tree was unpacked: not the file that is locked while another replaces it."""
    return {name: data for name, data in tree(to).items() if name != ".lock"}


def merging(trial: Trial) -> None:
    """Kill a merge."""
    shared = trial.shared("sample", _sample)
    into, good = trial.where / "into", tree(shared / "united")
    arguments = ("merge", shared / "recording", shared / "other" / "recording", "--into")
    _killed(trial, "merging", *arguments, _Output("into"))
    if into.exists():
        trial.check(tree(into).keys() == good.keys(), "a half-merged recording has its final name")
        shutil.rmtree(into)
    result = run(trial.where, *arguments, into)
    trial.check(result.returncode == 0, f"the next run: {result.stderr[-2000:]}")
    trial.check(tree(into).keys() == good.keys(), "the next merge is another one")
    check(Recording(into).store)
    check_answers(Recording(into).store, where=into)
    left = [p.name for p in trial.where.iterdir() if "into" in p.name]
    trial.check(left == ["into"], f"litter: {left}")
    litter(trial)


def auditing(trial: Trial) -> None:
    """Kill an audit, beside an older report or not."""
    shared = trial.shared("sample", _sample)
    reports, names = trial.where / "reports", set(tree(shared / "reports"))
    if trial.chance.random() < 0.5:
        shutil.copytree(shared / "reports", reports)
    arguments = ("audit", "--recording", shared / "recording", "--out")
    _killed(trial, "auditing", *arguments, _Output("reports"))
    ends = {".html": "</html>", ".json": "}", ".ndjson": "}", ".md": ""}
    for path in reports.glob("*"):
        if path.name in names:
            text = path.read_text().rstrip()
            trial.check(text and text.endswith(ends[path.suffix]), f"{path.name} is half-written")
    result = run(trial.where, *arguments, reports)
    trial.check(result.returncode == 0, f"the next run: {result.stderr[-2000:]}")
    trial.check(set(tree(reports)) == names, f"litter: {sorted(tree(reports))}")
    litter(trial)


FAULTS = [
    Fault("Killed", "the runner, while recording", recording("runner"), 40, 1),
    Fault("Killed", "a worker, while recording", recording("worker"), 40, 1),
    Fault("Killed", "all, while recording", recording("all"), 40, 1),
    Fault("Killed", "baking", baking, 25, 1),
    Fault("Killed", "unpacking", unpacking, 25, 1),
    Fault("Killed", "merging", merging, 25, 1),
    Fault("Killed", "auditing", auditing, 20, 1),
    Fault("Killed", "the runner, and its command would go on", orphaned("record"), 5, 1),
    Fault(
        "Killed", "the runner of a strict replay, and its command would go on",
        orphaned("replay", "--strict"), 5, 1,
    ),
]  # fmt: skip
