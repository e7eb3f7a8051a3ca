"""Merging recordings: united whatever the order, differing answers as takes."""

from __future__ import annotations

import itertools
import random
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from recordbake import seen_secrets, store
from recordbake.bake import bake
from recordbake.errors import UsageError
from recordbake.recording import Recording
from recordbake.uniting import unite
from tests.support.bakes import BODY, COMMIT, make_hub
from tests.support.cli import recordbake
from tests.support.sample import T0, add_run, captured, make_recording, request_event

if TYPE_CHECKING:
    from pathlib import Path


def shards(tmp_path: Path) -> list[Recording]:
    """Three machines' recordings with something in common and something not."""
    found = []
    for number, name in enumerate("abc"):
        test = f"tests/test_{name}.py::test_it"
        named = [("X-Repo-Commit", COMMIT), ("Content-Type", "text/plain")]
        entries = [
            captured("http://h/same", b"same", test=test, recorded_at=T0 + 9 - number),
            captured("http://h/differs", name.encode(), test=test, recorded_at=T0 + number % 2),
            captured("http://h/differs", b"a", test="shared", recorded_at=T0 + 5),
            captured(f"http://h/own/{name}", b"own", test=test, headers=named),
            captured("http://h/large", BODY, test=test, shards=tmp_path / name / "shards"),
        ]
        recording = make_recording(tmp_path / name / "r", entries, tmp_path / name / "shards")
        make_hub(recording.hf_cache)
        (recording.hf_cache / "hub" / "models--org--name" / "refs" / "dev").write_text(
            COMMIT if number else "f" * 40
        )
        add_run(
            recording, f"20261121T10150{number}.123456Z-record-9f2c", [request_event("http://h/")]
        )
        seen_secrets.remember(recording.path, {"A_TOKEN": f"value-of-{name}-1234"})
        found.append(recording)
    return found


def test_any_order_and_grouping_gives_the_same_bake(tmp_path: Path) -> None:
    digests = set()
    parts = shards(tmp_path)
    for number, (a, b, c) in enumerate(itertools.permutations(parts)):
        at = tmp_path / f"out{number}"
        unite([a, b, c], Recording(at / "flat"))
        unite([a, b], Recording(at / "two"))
        unite([c, Recording(at / "two")], Recording(at / "nested"))
        digests |= {
            bake(Recording(at / kind), at / f"{kind}-bake").digest for kind in ("flat", "nested")
        }
    assert len(digests) == 1


def dump(recording: Recording) -> list[list[str]]:
    """All that a store says, in an order of its own."""
    columns = ", ".join(f"entries.{name}" for name in store.ENTRY_COLUMNS)
    queries = (
        f"SELECT {columns}, value FROM entries LEFT JOIN responses ON responses.key = response_key",
        "SELECT * FROM uses",
        "SELECT * FROM identities",
    )
    with closing(store.connect_readonly(recording.store)) as connection:
        return [sorted(map(repr, map(tuple, connection.execute(q)))) for q in queries]


@pytest.mark.parametrize("seed", range(3))
def test_whatever_was_recorded_order_and_grouping_do_not_show(tmp_path: Path, seed: int) -> None:
    """Few different requests, answers, tests and times, so that many of them meet."""
    chance = random.Random(seed)
    parts = []
    for name in "abcd":
        entries = [
            captured(
                f"http://h/{chance.randrange(2)}",
                chance.choice([b"one", b"two", BODY]),
                test=f"tests/test_x.py::test_{chance.randrange(3)}",
                recorded_at=T0 + chance.randrange(3),
                shards=tmp_path / name / "shards",
            )
            for _ in range(chance.randrange(1, 7))
        ]
        parts.append(make_recording(tmp_path / name / "r", entries, tmp_path / name / "shards"))
    found = []
    for number in range(4):
        chance.shuffle(parts)
        at = tmp_path / f"out{number}"
        unite(parts, Recording(at / "flat"))
        unite(parts[:2], Recording(at / "left"))
        unite(parts[2:], Recording(at / "right"))
        unite([Recording(at / "right"), Recording(at / "left")], Recording(at / "nested"))
        unite([Recording(at / "flat"), parts[0]], Recording(at / "again"))
        found += [dump(Recording(at / name)) for name in ("flat", "nested", "again")]
    assert all(each == found[0] for each in found)


def test_same_entries_once_differing_answers_as_takes(tmp_path: Path) -> None:
    parts = shards(tmp_path)
    into = Recording(tmp_path / "all")
    united = unite(parts, into)
    assert store.check(into.store)["entries"] == 6
    assert (united.entries, united.takes) == (6, 8)
    assert united.differing == ["GET http://h/differs"]
    assert len(into.runs()) == 3
    assert (into.hf_cache / "hub/models--org--name/snapshots" / COMMIT / "model.bin").exists()
    assert not (into.hf_cache / "token").exists()
    assert len(seen_secrets.read(into.path)) == 3
    with pytest.raises(UsageError, match="holds something"):
        unite(parts, into)


def test_the_command_reports(tmp_path: Path) -> None:
    shards(tmp_path)
    result = recordbake("merge", "a/r", "b/r", "c/r", "--into", "all", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "6 entries (8 takes) from 3 recordings" in result.stdout
    assert "GET http://h/differs" in result.stdout
    missing = recordbake("merge", "a/r", "nowhere", "--into", "other", cwd=tmp_path)
    assert missing.returncode == 12
    assert "Traceback" not in missing.stderr


def test_rows_are_in_the_order_of_their_recording(tmp_path: Path) -> None:
    """A replay reads ahead in that order."""
    urls = [f"http://h/{n}" for n in range(12)]
    entries = [captured(url, b"x", recorded_at=T0 + n) for n, url in enumerate(urls)]
    sources = [
        make_recording(tmp_path / name / "r", entries[n::2], tmp_path / name / "shards")
        for n, name in enumerate("ab")
    ]
    unite(sources, Recording(tmp_path / "all"))
    with closing(store.connect_readonly(Recording(tmp_path / "all").store)) as connection:
        rows = connection.execute(
            "SELECT url FROM responses JOIN entries ON response_key = responses.key"
            " ORDER BY responses.rowid"
        )
        assert [url for (url,) in rows] == urls
