"""Changes bits of a recording or bake, and lets every command that reads say what it makes of it.

    python -m tests.faults.flipping PRISTINE WORK SEED COUNT

PRISTINE has ``recording/``, ``bake/`` and ``expected.json``, which :func:`prepare` writes. Commands
are called in this process; what is wrong is printed as a JSON list.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import traceback
from contextlib import closing
from pathlib import Path

from recordbake.cli import main as recordbake
from recordbake.recording import Recording

#: Asks for everything that was recorded; says each body's digest.
PROGRAM = """
import hashlib, json, sys, urllib.request
found = {}
for url in json.load(open(sys.argv[1])):
    try:
        found[url] = hashlib.sha256(urllib.request.urlopen(url).read()).hexdigest()
    except OSError as error:
        found[url] = type(error).__name__
print(json.dumps(found))
"""
#: File of a recording, or of a bake, that is changed -> commands that read it.
READERS = {
    "http_cache/requests_cache.sqlite": ("replay", "bake", "audit", "show", "merge"),
    "http_cache/bodies": ("replay", "bake", "audit", "show", "merge"),
    "runs/journal": ("audit", "bake", "show", "merge"),
    "runs/run.json": ("audit", "bake", "show", "merge"),
    "bake/http_cache.tgz": ("verify", "unpack", "audit bake", "show bake"),
    "bake/hf_cache.tgz": ("verify", "unpack", "audit bake", "show bake"),
    "bake/manifest.json": ("verify", "unpack", "audit bake", "show bake"),
}


def call(*arguments: object) -> tuple[int, str, str]:
    """A command in this process: exit code, standard output and error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = recordbake([str(word) for word in arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
        except Exception:  # noqa: BLE001
            return -1, out.getvalue(), traceback.format_exc()
    return code, out.getvalue(), err.getvalue()


def rows(store: Path) -> str:
    """A digest over all that a store's tables hold."""
    with closing(sqlite3.connect(store)) as connection:
        found = [
            connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in ("entries", "uses", "responses", "identities")
        ]
    return hashlib.sha256(repr(found).encode()).hexdigest()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _tree(directory: Path) -> str:
    names = sorted(path for path in directory.rglob("*") if path.is_file())
    return repr([(path.relative_to(directory).as_posix(), _digest(path)) for path in names])


class Reader:
    """Every command that reads, on one recording and bake.

    Args:
        where: holds ``recording`` and ``bake``; outputs go there.
        url: one that was recorded.
    """

    def __init__(self, where: Path, url: str) -> None:
        self.where = where
        self.recording, self.baked = where / "recording", where / "bake"
        self.url = url

    def run(self, name: str) -> tuple[int, str, str]:
        """Exit code, what was made of it where it went well, and standard error."""
        return getattr(self, "_" + name.replace(" ", "_"))()

    def _replay(self):
        urls = self.where / "urls.json"
        with closing(sqlite3.connect(self.where.parent / "urls.sqlite")) as connection:
            found = [row[0] for row in connection.execute("SELECT url FROM urls ORDER BY url")]
        urls.write_text(json.dumps(found))
        done = subprocess.run(
            [sys.executable, "-m", "recordbake", "replay", "--strict", "--isolation", "process",
             "--recording", self.recording, "--", sys.executable, "-c", PROGRAM, urls],
            cwd=self.where, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def _bake(self):
        code, _, err = call("bake", "--recording", self.recording, "--out", self.where / "out")
        return code, _digest(self.where / "out" / "http_cache.tgz") if not code else "", err

    def _audit(self, source: Path | None = None):
        out = self.where / "reports"
        words = ["--recording", self.recording] if source is None else [source]
        code, _, err = call("audit", *words, "--out", out, "--format", "json")
        return code, "" if code else self._told(out / "audit.json"), err

    @staticmethod
    def _told(path: Path) -> str:
        found = json.loads(path.read_text())
        return json.dumps(found.get("entries", found.get("store")), sort_keys=True)

    def _show(self, source: Path | None = None):
        code, out, err = call("show", self.url, "--recording", source or self.recording)
        return code, out, err

    def _merge(self):
        into = self.where / "into"
        code, _, err = call("merge", self.recording, "--into", into)
        return code, rows(Recording(into).store) if not code else "", err

    def _verify(self):
        code, out, err = call("verify", self.baked)
        return code, out.replace(str(self.where), ""), err

    def _unpack(self):
        code, _, err = call("unpack", self.baked, "--to", self.where / "to")
        return code, _tree(self.where / "to") if not code else "", err

    def _audit_bake(self):
        return self._audit(self.baked)

    def _show_bake(self):
        return self._show(self.baked)


def problem(  # noqa: PLR0911
    name: str, found: tuple[int, str, str], expected: str, *, journal: bool
) -> str:
    """What is wrong with how a command took a change; "" if nothing is."""
    code, made, err = found
    if code == -1 or re.search("^Traceback", err, re.MULTILINE):
        return f"{name}: {err[-3000:]}"
    if code == 12:
        good = all(word in err for word in ("where:", "next:")) or name == "replay"
        return "" if good else f"{name} exits with 12 without what, where and next: {err}"
    if name == "replay":
        served, right = json.loads(made or "{}"), json.loads(expected)
        bad = [u for u, d in served.items() if len(d) == 64 and d != right.get(u)]
        if bad:
            return f"replay served wrong bytes for {bad} and exited with {code}"
        fine = code == 0 and served == right
        return "" if fine or code == 10 else f"replay exits with {code}: {err[-2000:]}"
    if code:
        return f"{name} exits with {code}: {err[-2000:]}"
    if journal and name == "audit":  # it counts what it could not read
        return ""
    return "" if made == expected else f"{name} exits with 0 and says something else"


def change(data: bytearray, chance: random.Random) -> str:
    """Damage a file's bytes; says how."""
    kind = chance.choices(["bit", "cut", "zeros"], [8, 1, 1])[0]
    at = chance.randrange(max(len(data), 1))
    if kind == "bit" and data:
        bit = chance.randrange(8)
        data[at] ^= 1 << bit
        return f"bit {bit} of byte {at}"
    if kind == "cut":
        del data[at:]
        return f"cut at byte {at}"
    end = min(at + 512, len(data))
    data[at:end] = bytes(end - at)
    return f"zeros from byte {at} to {end}"


def target(where: Path, name: str, chance: random.Random) -> Path:
    if name.startswith("runs/"):
        file = "http_log.ndjson" if name == "runs/journal" else "run.json"
        return chance.choice(sorted((where / "recording" / "runs").glob(f"*/{file}")))
    if name.startswith("bake/"):
        return where / name
    path = where / "recording" / name
    if path.is_dir():
        return chance.choice(sorted(p for p in path.rglob("*") if p.is_file()))
    return path


def prepare(where: Path) -> None:
    """Write what the commands make of an undamaged recording and bake."""
    with closing(sqlite3.connect(Recording(where / "recording").store)) as connection:
        urls = connection.execute("SELECT DISTINCT url FROM entries").fetchall()
    with closing(sqlite3.connect(where / "urls.sqlite")) as connection:
        connection.execute("CREATE TABLE urls (url)")
        connection.executemany("INSERT INTO urls VALUES (?)", urls)
        connection.commit()
    work = where / "work"
    shutil.copytree(where / "recording", work / "recording", symlinks=True)
    shutil.copytree(where / "bake", work / "bake")
    reader = Reader(work, min(urls)[0])
    expected: dict[str, str] = {}
    for name in dict.fromkeys(name for names in READERS.values() for name in names):
        code, made, err = reader.run(name)
        assert code == 0, (name, err)
        expected[name] = made
    shutil.rmtree(work)
    found = {"url": min(urls)[0], "made": expected}
    (where / "expected.json").write_text(json.dumps(found))


def main(pristine: Path, work: Path, seed: str, count: int, names: list[str]) -> list[str]:
    """Damage, run every command that reads it, and collect what is wrong."""
    chance, bad = random.Random(seed), []
    expected = json.loads((pristine / "expected.json").read_text())
    shutil.copyfile(pristine / "urls.sqlite", work / "urls.sqlite")
    os.environ["XDG_CACHE_HOME"] = str(work / "cache")
    for number in range(count):
        name = chance.choice(names)
        where = work / str(number)
        shutil.copytree(pristine / "recording", where / "recording", symlinks=True)
        shutil.copytree(pristine / "bake", where / "bake")
        path = target(where, name, chance)
        data = bytearray(path.read_bytes())
        how = change(data, chance)
        path.write_bytes(data)
        reader = Reader(where, expected["url"])
        before = len(bad)
        for command in READERS[name]:
            made = expected["made"][command].replace(str(pristine / "work"), str(where))
            text = problem(command, reader.run(command), made, journal=name.startswith("runs/"))
            if text:
                bad.append(f"{path.relative_to(where)}, {how}: {text}")
        if len(bad) == before:
            shutil.rmtree(where)
    return bad


if __name__ == "__main__":
    _, first, second, third, fourth, *rest = sys.argv
    print(json.dumps(main(Path(first), Path(second), third, int(fourth), rest)))
