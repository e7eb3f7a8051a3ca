"""Disks that are full, directories that are forbidden, quotas that are used up.

Each command says so (exit 12, or 2 for a report's place) or, where a suite runs, journals the loss
and ends with 11; what was said to be stored is stored; nothing half-written has its final name.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.errors import DamagedError
from recordbake.recording import Recording
from recordbake.store import check, connect_readonly
from tests.faults.catalogue.killed import _sample as sample
from tests.faults.catalogue.killed import reported, tree
from tests.faults.disks import read_only, small
from tests.faults.fault import Fault, NotPossibleError
from tests.faults.processes import run, sound
from tests.faults.suites import tests
from tests.support.bakes import NAMES
from tests.support.cli import ROOT
from tests.support.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.fault import Trial

GROUP = "Full and forbidden"
PROGRAM = """
import json, sys, urllib.request
paths = [f"/{n}" for n in range(10)] + [f"/medium?{n}" for n in range(4)] + ["/large"]
sizes = [len(urllib.request.urlopen(sys.argv[1] + path).read()) for path in paths * 2]
print(json.dumps(sizes))
"""
SIZES = ([2] * 10 + [500_000] * 4 + [2_097_152]) * 2


def _said(trial: Trial, result: subprocess.CompletedProcess[str], *codes: int) -> None:
    """It ended with one of these exit codes, and with a word if not with 0."""
    trial.check(not sound(result), sound(result))
    trial.check(result.returncode in codes, f"exit {result.returncode}: {result.stderr[-2000:]}")
    if result.returncode:
        trial.check("recordbake:" in result.stderr, f"silence: exit {result.returncode}")


def _stored(trial: Trial, recording: Path) -> None:
    """What a finished run's journal says was stored is in the store, whole."""
    said = reported(recording)
    if not said:
        return
    check(Recording(recording).store)
    with connect_readonly(Recording(recording).store) as connection:
        found = {row[0] for row in connection.execute("SELECT key FROM entries")}
    for key in said.keys() - found:
        trial.lost(f"{said[key]} was reported as stored")


def _suite(result: subprocess.CompletedProcess[str], trial: Trial) -> None:
    trial.check(
        json.loads(result.stdout or "[]") == SIZES or result.returncode in (2, 12),
        f"the suite saw other than live: {result.stdout} {result.stderr[-1000:]}",
    )


def recording(trial: Trial) -> None:
    """Record onto a disk that is too small, perhaps; go on when there is more room."""
    where = trial.where / "disk"
    (trial.where / "program.py").write_text(PROGRAM)
    size = trial.chance.choice(["40k", "200k", "700k", "1500k", "2500k", "4m", "6m", "9m"])
    with small(where, size) as disk, Origin() as origin:
        words = ("record", "--recording", where / "rec", "--", sys.executable, "program.py",
                 origin.url)  # fmt: skip

        def through(words: list[str]) -> list[str]:
            return disk.inside(words, trial.where)

        result = run(trial.where, *words, through=through)
        _said(trial, result, 0, 11, 12)
        _suite(result, trial)
        if result.returncode in (11, 12):
            trial.check("space" in result.stderr, f"no word of space: {result.stderr}")
        seen = disk.path(where / "rec")
        if result.returncode in (0, 11):
            _stored(trial, Path(shutil.copytree(seen, trial.where / "first")))
        before = reported(seen)
        disk.run("mount", "-o", "remount,size=64m", where)
        again = run(trial.where, *words, through=through)
        _said(trial, again, 0)
        _suite(again, trial)
        _stored(trial, Path(shutil.copytree(seen, trial.where / "second")))
        trial.check(set(before) <= set(reported(seen)), "an earlier run's journal is gone")


def _small(trial: Trial, size: str, *arguments: object) -> dict[str, bytes]:
    """Run a command that writes to ``disk/out``, which is too small; what stands there then."""
    where = trial.where / "disk"
    with small(where, size) as disk:
        result = run(trial.where, *arguments, where / "out",
                     through=lambda words: disk.inside(words, trial.where))  # fmt: skip
        _said(trial, result, 0, 2, 12)
        if result.returncode:
            trial.check("space" in result.stderr or "full" in result.stderr, result.stderr)
        trial.check(result.returncode or tree(disk.path(where)), "it wrote nothing")
        return {} if result.returncode == 0 else tree(disk.path(where))


def baking(trial: Trial) -> None:
    """Bake onto a disk that is too small."""
    shared = trial.shared("sample", sample)
    left = _small(trial, f"{trial.chance.randrange(8, 3100)}k", "bake", "--recording",
                  shared / "recording", "--out")  # fmt: skip
    trial.check(not left, f"left: {sorted(left)}")


def unpacking(trial: Trial) -> None:
    """Unpack onto a disk that is too small."""
    shared = trial.shared("sample", sample)
    left = _small(trial, f"{trial.chance.randrange(8, 3200)}k", "unpack", shared / "bake", "--to")
    trial.check(not left, f"left: {sorted(left)}")


def merging(trial: Trial) -> None:
    """Merge onto a disk that is too small."""
    shared = trial.shared("sample", sample)
    left = _small(trial, f"{trial.chance.randrange(8, 3200)}k", "merge", shared / "recording",
                  shared / "other" / "recording", "--into")  # fmt: skip
    trial.check(not left, f"left: {sorted(left)}")


def auditing(trial: Trial) -> None:
    """Write an audit onto a disk that is too small."""
    shared = trial.shared("sample", sample)
    left = _small(trial, f"{trial.chance.randrange(4, 200, 4)}k", "audit", "--recording",
                  shared / "recording", "--out")  # fmt: skip
    ends = {".html": "</html>", ".json": "}", ".md": "\n"}
    for name, data in left.items():
        whole = data.decode().rstrip(" ").endswith(ends.get(Path(name).suffix, "?"))
        trial.check(whole or data.decode().rstrip().endswith(ends.get(Path(name).suffix, "?")),
                    f"{name} is half-written")  # fmt: skip


def no_temporary_room(trial: Trial) -> None:
    """TMPDIR is full, for each command that wants one."""
    shared = trial.shared("sample", sample)
    temporary = trial.where / "temporary"
    program = [sys.executable, "-c", "print(1)"]
    with small(temporary, trial.chance.choice(["4k", "16k", "100k"])) as disk:
        for words in (
            ("record", "--recording", trial.where / "rec", "--", *program),
            ("replay", "--strict", "--recording", shared / "recording", "--runs-dir",
             trial.where / "runs", "--", *program),
            ("verify", shared / "bake"),
            ("audit", shared / "bake", "--out", trial.where / "reports"),
            ("show", "http://example.org/1", "--recording", shared / "bake"),
        ):  # fmt: skip
            result = run(trial.where, *words, TMPDIR=str(temporary),
                         through=lambda words: disk.inside(words, trial.where))  # fmt: skip
            _said(trial, result, 0, 12)
            trial.check(not tree(disk.path(temporary)), f"{words[0]} left litter")


NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def _python_of_nobody() -> str:
    """A Python that another user can run, with what is installed here."""
    for python in (sys.executable, shutil.which("python3", path="/usr/bin") or ""):
        code = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
        words = [*NOBODY, "sh", "-c", 'exec "$0" "$@"', python, "-c", code]
        if subprocess.run(words, capture_output=True, check=False).returncode == 0:
            return python
    raise NotPossibleError("no Python here can be run by another user")


def _forbidden(
    trial: Trial, through: Callable[[list[str]], list[str]], locked: Path,
    python: str = sys.executable,
) -> None:  # fmt: skip
    """Everything, on a recording and a bake in ``locked``, where nothing can be written."""
    free = trial.where / "free"
    free.mkdir(mode=0o777)
    free.chmod(0o777)
    before = tree(locked)
    recording, program = locked / "recording", [python, "-c", "print(1)"]
    path = f"{ROOT}{os.pathsep}{sysconfig.get_path('purelib')}"
    path = "" if python == sys.executable else path
    can: dict[tuple[object, ...], tuple[int, ...]] = {
        ("replay", "--strict", "--recording", recording, "--", *program): (0,),
        ("show", "http://example.org/1", "--recording", recording): (0,),
        ("audit", "--recording", recording, "--out", free / "reports"): (0,),
        ("bake", "--recording", recording, "--out", free / "bake"): (0,),
        ("unpack", locked / "bake", "--to", free / "to"): (0,),
        ("verify", locked / "bake"): (0,),
        ("record", "--recording", recording, "--", *program): (12,),
        ("bake", "--recording", recording, "--out", locked / "bake"): (12,),
        ("unpack", locked / "bake", "--to", locked / "to"): (12,),
        ("merge", recording, "--into", locked / "into"): (12,),
        ("audit", "--recording", recording, "--out", locked / "reports"): (2, 12),
    }
    for words, codes in can.items():
        result = run(trial.where, *words, through=through, TMPDIR=str(free),
                     PYTHONPATH=path, XDG_CACHE_HOME=str(free / "cache"))  # fmt: skip
        trial.check(not sound(result), f"{words[0]}: {sound(result)}")
        trial.check(result.returncode in codes,
                    f"{words[:2]} exits with {result.returncode}: {result.stderr}")  # fmt: skip
    trial.check(tree(locked) == before, "something in it has changed")


def _locked(trial: Trial) -> Path:
    shared = trial.shared("sample", sample)
    locked = trial.where / "locked"
    shutil.copytree(shared / "recording", locked / "recording", symlinks=True)
    shutil.copytree(shared / "bake", locked / "bake")
    return locked


def read_only_disk(trial: Trial) -> None:
    """A read-only file system."""
    locked = _locked(trial)
    with read_only(locked) as disk:
        _forbidden(trial, lambda words: disk.inside(words, trial.where), locked)


def somebody_elses(trial: Trial) -> None:
    """Directories of another user's."""
    if os.geteuid():
        raise NotPossibleError("becoming another user takes root")
    python = _python_of_nobody()
    # Not below pytest's directories, which each run of pytest closes to other users.
    with tempfile.TemporaryDirectory() as free:
        trial.where = Path(free)
        trial.where.chmod(0o755)
        locked = _locked(trial)
        _forbidden(trial, lambda words: [*NOBODY, python, *words[1:]], locked, python)


def open_files(trial: Trial) -> None:
    """Few open files, for a command and its suite."""
    _limited(trial, "--nofile", trial.chance.randrange(5, 40))


def file_size(trial: Trial) -> None:
    """Small files alone (RLIMIT_FSIZE)."""
    _limited(trial, "--fsize", trial.chance.choice([9_000, 50_000, 300_000, 1_000_000]))


def _limited(trial: Trial, limit: str, value: int) -> None:
    shared = trial.shared("sample", sample)
    (trial.where / "program.py").write_text(PROGRAM)

    def through(words: list[str]) -> list[str]:
        return ["prlimit", f"{limit}={value}", "--", *words]

    with Origin() as origin:
        words = ("record", "--", sys.executable, "program.py", origin.url)
        result = run(trial.where, *words, through=through)
        _limits_said(trial, "record", result)
        if result.returncode == 0:
            _suite(result, trial)
        again = run(trial.where, *words)
        _said(trial, again, 0)
        _stored(trial, trial.where / ".recordbake")
    for arguments in (
        ("bake", "--recording", shared / "recording", "--out", trial.where / "bake"),
        ("unpack", shared / "bake", "--to", trial.where / "to"),
        ("audit", "--recording", shared / "recording", "--out", trial.where / "reports"),
        ("merge", shared / "recording", "--into", trial.where / "into"),
        ("show", "http://example.org/1", "--recording", shared / "recording"),
    ):
        result = run(trial.where, *arguments, through=through)
        _limits_said(trial, str(arguments[0]), result)
        if result.returncode:
            left = [n for n in ("to", "into") if (trial.where / n).exists()]
            left += [n for n in NAMES if (trial.where / "bake" / n).exists()] if (
                arguments[0] == "bake") else []  # fmt: skip
            made = {"unpack": "to", "merge": "into", "bake": "manifest.json"}
            trial.check(made.get(str(arguments[0])) not in left, f"{arguments[0]} left {left}")
    try:
        check(Recording(trial.where / ".recordbake").store)
    except DamagedError as error:
        trial.wrong(str(error))


def _limits_said(trial: Trial, name: str, result: subprocess.CompletedProcess[str]) -> None:
    """With too little for Python itself to start, whatever it says is right."""
    if result.returncode and "recordbake" not in result.stderr:
        if not result.stderr:
            trial.wrong(f"{name} exits with {result.returncode} in silence")
        return
    trial.check(not sound(result), f"{name}: {sound(result)}")


GONE = """
import shutil, sys, urllib.request
urllib.request.urlopen(sys.argv[1] + "/1").read()
shutil.rmtree(sys.argv[2])
body = urllib.request.urlopen(sys.argv[1] + "/2").read()
print(body.decode())
"""
ONCE = """
import sys, urllib.request
for path in ("/1", "/2"):
    urllib.request.urlopen(sys.argv[1] + path).read()
"""


def gone(trial: Trial) -> None:
    """The suite deletes the recording, or its runs, or this run's shards, while it runs."""
    (trial.where / "program.py").write_text(GONE)
    with Origin() as origin:
        base = ("--", sys.executable, "program.py", origin.url)
        first = run(trial.where, "record", "--", sys.executable, "-c", ONCE, origin.url)
        trial.check(first.returncode == 0, first.stderr)
        victim = trial.chance.choice([".recordbake/runs", ".recordbake"])
        verb = trial.chance.choice([("record",), ("replay",)])
        result = run(trial.where, *verb, *base, victim)
        trial.check(result.stdout == "/2\n" or result.returncode, result.stdout)
        _said(trial, result, 1, 11, 12)
        trial.check("free space" not in result.stderr, f"misleading: {result.stderr}")
        trial.check("gone" in result.stderr or "deleted" in result.stderr, result.stderr)
        again = run(trial.where, "record", "--", sys.executable, "-c", "pass")
        _said(trial, again, 0)


FAULTS = [
    Fault(GROUP, "disk full while recording", recording, 24, 1),
    Fault(GROUP, "disk full while baking", baking, 12, 1),
    Fault(GROUP, "disk full while unpacking", unpacking, 12, 1),
    Fault(GROUP, "disk full while merging", merging, 12, 1),
    Fault(GROUP, "disk full while auditing", auditing, 12, 1),
    Fault(GROUP, "no space in TMPDIR", no_temporary_room, 6, 1),
    Fault(GROUP, "a read-only disk", read_only_disk, 2, 1),
    Fault(GROUP, "directories of another user's", somebody_elses, 2, 1),
    Fault(GROUP, "a quota of open files", open_files, 15, 1),
    Fault(GROUP, "a quota of the size of files", file_size, 12, 1),
    Fault(GROUP, "the recording is deleted while the suite runs", gone, 6, 1),
    tests(
        GROUP, "a disk that fills up under a running suite", "tests/faults/test_full_disk.py"
    ),
]  # fmt: skip
