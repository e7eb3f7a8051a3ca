"""A recording from an attacker: it runs no code and reaches nothing outside its directory."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import struct
from contextlib import closing, suppress

import pytest

from recordbake import hub_cache, rendering, show, store
from recordbake.audit import audit
from recordbake.bake import bake
from recordbake.doctor import BAD, _recording
from recordbake.errors import DamagedError
from recordbake.guest import codec
from recordbake.recording import Recording
from recordbake.runs import recover
from recordbake.uniting import unite
from tests.support.sample import add_run, captured, make_recording, request_event

RUN = "20261121T101502.123456Z-record-9f2c"
VICTIM = b"what is dear to somebody"


@pytest.fixture
def victim(tmp_path):
    path = tmp_path / "home" / "victim"
    path.parent.mkdir()
    path.write_bytes(VICTIM)
    return path


@pytest.fixture
def recording(tmp_path):
    made = make_recording(tmp_path / "recording", [captured("http://example.org/")])
    add_run(made, RUN, [request_event("http://example.org/")], mode="record")
    return made


def readers(recording: Recording, tmp_path):
    """What every command that reads does with a recording, by the command's name."""

    def shown():
        with show.opened(recording.path) as found:
            rendering.render(show.select(found), whole=True)

    def checked():
        (check, *_) = _recording(recording)
        if check.state == BAD:
            raise DamagedError(check.found)

    def audited():
        recover(recording)
        audit(recording, tmp_path / "reports")

    return {
        "show": shown,
        "audit": audited,
        "doctor": checked,
        "merge": lambda: (recover(recording), unite([recording], Recording(tmp_path / "into"))),
        "bake": lambda: (recover(recording), bake(recording, tmp_path / "bake")),
    }


def each_refuses(recording, tmp_path, word=""):
    for name, read in readers(recording, tmp_path).items():
        with pytest.raises(DamagedError, match=word) as caught:
            read()
        assert name == "doctor" or caught.value.where
        assert name == "doctor" or caught.value.next_step


def shards_of(recording: Recording):
    """A run that was killed, so that the next command folds its shards in."""
    path = recording.runs_dir / "20261121T111502.123456Z-record-0000" / "shards"
    path.mkdir(parents=True)
    (path / "complete").touch()
    return path


def record(entry, **changes) -> bytes:
    line, _, rest = codec.encode_record(entry).partition(b"\n")
    return json.dumps(json.loads(line) | changes).encode() + b"\n" + rest


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "../../../../home/planted"},
        {"file": "../../../../home/victim"},
        {"file": "/etc/passwd"},
        {"file": ".."},
        {"size": 10**15},
        {"size": -2},
        {"key": ["x"]},
        {"recorded_at": float("inf")},
        {"attempt": 10**30},
    ],
)
def test_a_shard_names_no_place_and_no_size_of_its_own(recording, victim, changes, capsys):
    shards = shards_of(recording)
    if "sha256" in changes:
        (shards / "body").write_bytes(b"planted")
        changes |= {"file": "body"}
    (shards / "1.entries").write_bytes(record(captured("http://evil.example/"), **changes))
    before = sorted(p.name for p in victim.parent.iterdir())
    assert recover(recording) == []
    assert "damaged" in capsys.readouterr().err
    assert sorted(p.name for p in victim.parent.iterdir()) == before
    assert victim.stat().st_nlink == 1
    assert store.check(recording.store)["entries"] == 1


def test_a_journal_of_sqlite_deletes_nothing(recording, tmp_path, victim):
    """A hot journal may name a "super-journal", which SQLite deletes when it is done."""
    journal = recording.store.with_name(recording.store.name + "-journal")
    pages = recording.store.stat().st_size // 4096
    head = bytes.fromhex("d9d505f920a163d7") + struct.pack(">IIIII", 0, 1, pages, 512, 4096)
    name = os.fsencode(victim)
    end = struct.pack(">II", len(name), sum(name)) + bytes.fromhex("d9d505f920a163d7")
    lock_page = 2**30 // 4096 + 1
    data = head.ljust(512, b"\0") + struct.pack(">I", lock_page) + name + end
    for harm in (store.settle, _written):
        journal.write_bytes(data)
        with suppress(DamagedError):
            harm(recording.store)
        assert victim.read_bytes() == VICTIM
    each_refuses(recording, tmp_path, "journal")


def _written(path):
    with store.writing(path):
        pass


LINKS = (
    "http_cache", "http_cache/requests_cache.sqlite", "http_cache/requests_cache.sqlite-wal",
    "http_cache/requests_cache.sqlite-journal", "http_cache/bodies", "http_cache/bodies/ab",
    "hf_cache", "runs", f"runs/{RUN}", f"runs/{RUN}/run.json", f"runs/{RUN}/http_log.ndjson",
    ".lock", "secrets.json",
)  # fmt: skip


@pytest.mark.parametrize("place", LINKS)
def test_no_link_leads_out(recording, tmp_path, place):
    """Through it, recordbake would write or delete elsewhere, or read what is not there to read."""
    elsewhere = tmp_path / "elsewhere"
    target = recording.path / place
    if target.is_dir():
        shutil.move(target, elsewhere)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        elsewhere.write_bytes(target.read_bytes() if target.exists() else b"")
        target.unlink(missing_ok=True)
        if place.endswith("bodies/ab"):
            elsewhere.unlink()
            elsewhere.mkdir()
            (elsewhere / "dear").write_text("dear")
    target.symlink_to(elsewhere)
    before = _state(elsewhere)
    each_refuses(recording, tmp_path, "link")
    assert _state(elsewhere) == before


def _state(path):
    found = [path, *path.rglob("*")] if path.is_dir() else [path]
    return {p: p.read_bytes() if p.is_file() else None for p in found if p.exists()}


@pytest.mark.parametrize("place", [p for p in LINKS if p != ".lock"])
def test_a_pipe_is_not_waited_for(recording, tmp_path, place):
    target = recording.path / place
    if target.is_dir():
        shutil.rmtree(target)
    target.unlink(missing_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(target)
    each_refuses(recording, tmp_path, "neither")


def test_a_body_leads_nowhere_outside(recording, tmp_path, victim):
    large = bytes(20_000)
    made = make_recording(
        tmp_path / "other", [captured("http://a.example/", large, shards=tmp_path / "s")],
        tmp_path / "s",
    )  # fmt: skip
    (body,) = made.bodies.glob("*/*")
    victim.write_bytes(large)
    body.unlink()
    body.symlink_to(victim)
    with pytest.raises(DamagedError, match="outside"):
        store.check(made.store)
    with pytest.raises(DamagedError, match="outside"), show.opened(made.path) as found:
        show.select(found)


def test_links_of_a_hub_cache_do_not_carry_writes_out(recording, tmp_path, victim):
    hub = recording.hf_cache / "hub" / "models--a--b"
    (hub / "snapshots").mkdir(parents=True)
    (hub / "refs").symlink_to(victim.parent)
    (hub / "snapshots" / "file").symlink_to(victim)
    (hub / "blobs").mkdir()
    (hub / "blobs" / "abc").write_bytes(b"weights")
    (hub / "snapshots" / "good").symlink_to("../blobs/abc")
    os.mkfifo(hub / "pipe")
    view = tmp_path / "view"
    hub_cache.view(recording.hf_cache, view)
    own = view / "hub" / "models--a--b"
    assert not (own / "refs").exists()
    assert not (own / "pipe").exists()
    assert not (own / "snapshots" / "file").is_symlink()
    assert (own / "snapshots" / "good").read_bytes() == b"weights"

    run = tmp_path / "run"
    (run / "hub" / "models--a--b" / "refs").mkdir(parents=True)
    (run / "hub" / "models--a--b" / "refs" / "main").write_text("planted")
    hub_cache.fold(run, recording.hf_cache)
    assert list(victim.parent.iterdir()) == [victim]

    other = make_recording(tmp_path / "second", [captured("http://example.org/2")])
    (other.hf_cache / "hub" / "models--a--b" / "refs").mkdir(parents=True)
    (other.hf_cache / "hub" / "models--a--b" / "refs" / "main").write_text("planted")
    first = make_recording(tmp_path / "first", [captured("http://example.org/1")])
    (first.hf_cache / "hub" / "models--a--b").mkdir(parents=True)
    (first.hf_cache / "hub" / "models--a--b" / "refs").symlink_to(victim.parent)
    os.mkfifo(first.hf_cache / "hub" / "pipe")
    unite([first, other], Recording(tmp_path / "united"))
    assert list(victim.parent.iterdir()) == [victim]


CODE = {
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON uses BEGIN DELETE FROM entries; END",
    "a view": "ALTER TABLE entries RENAME TO e; CREATE VIEW entries AS SELECT * FROM e",
    "a virtual table": "CREATE VIRTUAL TABLE v USING fts5(text)",
    "a check": "CREATE TABLE c (x CHECK (length(hex(zeroblob(400000000))) > 0));",
    "a generated column": "CREATE TABLE g (x, y AS (hex(zeroblob(400000000))))",
    "an index of an expression": "CREATE INDEX i ON entries (upper(url))",
    "a partial index": "CREATE INDEX i ON entries (url) WHERE length(url) > 3",
    "statistics": "ANALYZE",
}


@pytest.mark.parametrize("what", CODE)
def test_a_store_holds_no_code(recording, tmp_path, what):
    with closing(sqlite3.connect(recording.store)) as connection:
        connection.executescript(CODE[what])
    each_refuses(recording, tmp_path, "never has")
    with pytest.raises(DamagedError, match="never has"):
        _written(recording.store)


def test_a_value_is_not_larger_than_an_answer(recording, tmp_path):
    with closing(sqlite3.connect(recording.store)) as connection:
        connection.execute("UPDATE responses SET value = zeroblob(200000000)")
        connection.commit()
    with (
        pytest.raises(DamagedError, match=r"too big|damaged"),
        show.opened(recording.path) as found,
    ):
        show.select(found)


DEEP = "[" * 10**6
HUGE = "9" * 10**6


@pytest.mark.parametrize("text", [DEEP, HUGE, "1e999", '{"a":' * 10**5, "[]", '"x"', "\x00", ""])
def test_deep_and_huge_documents(recording, tmp_path, text):
    """run.json, secrets.json, the journal, its shards and a failure hold what nobody wrote."""
    (recording.path / "secrets.json").write_text(text)
    (recording.runs_dir / RUN / "run.json").write_text(text)
    (recording.runs_dir / RUN / "refetch.json").write_text(text)
    journal = recording.runs_dir / RUN / "http_log.ndjson"
    journal.write_text(journal.read_text() + text + f'\n{{"event":"request","ts":{text or 1}}}\n')
    shards = shards_of(recording)
    for number, line in enumerate(
        (text, f'{{"ts":{text or 1},"event":"test","test":{text or 1}}}')
    ):
        (shards / f"{number}.ndjson").write_text(line + "\n")
    recover(recording)
    audit(recording, tmp_path / "reports")
    unite([recording], Recording(tmp_path / "into"))
    with closing(sqlite3.connect(recording.store)) as connection:
        connection.execute("UPDATE entries SET failure = ?, vary = ?", (text, text))
        connection.commit()
    for read in readers(recording, tmp_path / "again").values():
        with suppress(DamagedError):
            read()
