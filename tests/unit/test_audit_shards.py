"""Shards of one run of CI, wherever they lie, give one picture."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from pathlib import Path

import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordbake.audit.figures import figures
from recordbake.audit.findings import find, judged_entries
from recordbake.audit.load import load
from recordbake.bake import bake
from recordbake.cli import main
from recordbake.recording import Recording
from recordbake.run_info import ci_run
from tests.support import audit as planted
from tests.support.sample import add_run, captured, make_recording, request_event

URLS = [f"https://h.org/{n}" for n in range(4)]


def findings_of(*recordings):
    return find(load(*recordings), stale_after_days=30, now=planted.NOW, limits=planted.LIMITS)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return planted.planted_recording(tmp_path_factory.mktemp("sharded") / "r")


EVENTS = planted.planted_events()


@settings(max_examples=25)
@given(places=st.lists(st.integers(0, 2), min_size=len(EVENTS), max_size=len(EVENTS)))
def test_sharded_journals_give_the_findings_of_one(store, places):
    with tempfile.TemporaryDirectory() as directory:
        runs = Path(directory) / "runs"
        shutil.copytree(store.runs_dir, runs)
        first = Recording(store.path, runs)
        planted.write_journal(first, planted.REPLAY, EVENTS)
        expected = findings_of(first)
        sources = [first]
        for shard in range(3):
            part = [e for e, place in zip(EVENTS, places, strict=True) if place == shard]
            if shard == 0:
                planted.write_journal(first, planted.REPLAY, part)
            else:
                sources.append(Recording(Path(directory) / str(shard)))
                name = planted.REPLAY.replace("0003", f"1{shard:03}")
                add_run(sources[-1], name, part, exit_code=10)
        assert findings_of(*sources) == expected
        assert findings_of(*reversed(sources)) == expected


def test_replays_of_one_recording_that_name_the_same_run_of_ci_are_judged_together(tmp_path):
    recording = make_recording(tmp_path, [captured(url) for url in URLS])
    for day, ci in ((1, "GITHUB_RUN_ID=1"), (2, "GITHUB_RUN_ID=2")):
        for shard in (0, 1):
            name = f"2026110{day}T00000{shard}.000000Z-replay_strict-000{shard}"
            hits = [request_event(url) for url in URLS[2 * shard : 2 * shard + 2]]
            add_run(recording, name, hits if day == 2 else hits[:1], ci_run=ci)
    loaded = load(recording)
    assert len(judged_entries(loaded)) == 4
    figure = figures(loaded, findings_of(recording), 30)
    assert (figure.requests, len(figure.replay_runs)) == (4, 2)
    assert figure.before["requests"] == 2
    assert [f.kind for f in findings_of(recording)] == []


def test_what_names_a_run_of_ci():
    assert ci_run({"GITHUB_RUN_ID": "7", "CI": "true"}) == "GITHUB_RUN_ID=7"
    assert ci_run({"CI": "true", "GITHUB_RUN_ID": ""}) == ""


def test_stores_that_were_recorded_apart_are_one_and_hits_find_their_takes(tmp_path):
    shared, other = captured(URLS[0], b"first"), captured(URLS[0], b"other", recorded_at=5e8)
    equal = captured(URLS[1], b"equal", recorded_at=1e9), captured(URLS[1], b"equal")
    one = make_recording(tmp_path / "1", [shared, equal[0]])
    two = make_recording(tmp_path / "2", [other, equal[1], captured(URLS[2])])
    add_run(two, planted.REPLAY, [request_event(URLS[0]), request_event(URLS[2])])
    loaded = load(one, two)
    rows = loaded.entries[["url", "take", "body_size", "recorded_at"]].to_dict("records")
    found = {(row["url"], row["take"]): row["recorded_at"] for row in rows}
    assert found[URLS[1], 0] == 1e9, "an equal answer is one take, as it was recorded first"
    assert found[URLS[0], 1] == 5e8, "another answer is another take"
    assert len(rows) == 4
    names = set(judged_entries(loaded)[["url", "take"]].itertuples(index=False, name=None))
    assert names == {(URLS[0], 1), (URLS[2], 0)}


@pytest.mark.parametrize("how", ["recording", "runs", "run", "journal", "url"])
def test_a_bake_is_judged_by_the_journals_that_jobs_left(tmp_path, monkeypatch, how, capsys):
    monkeypatch.chdir(tmp_path)
    now = time.time()
    recording = make_recording(tmp_path / "r", [captured(url, recorded_at=now) for url in URLS])
    bake(recording, tmp_path / "bake")
    sources = []
    for shard in (0, 1):
        job = Recording(tmp_path / f"job-{shard}")
        name = f"20261101T00000{shard}.000000Z-replay_strict-000{shard}"
        hits = [request_event(url) for url in URLS[2 * shard : 2 * shard + 2]]
        add_run(job, name, hits, started_at=now + 1)
        found = {"recording": job.path, "runs": job.runs_dir, "run": job.runs_dir / name}
        found["journal"] = job.runs_dir / name / "http_log.ndjson"
        if how == "url":
            fsspec.filesystem("memory").put(f"{job.path}/", f"/jobs/{shard}/", recursive=True)
        sources.append(f"memory://jobs/{shard}" if how == "url" else str(found[how]))
    assert main(["audit", "bake", *sources, "--fail-on", "unused,live-miss"]) == 0
    data = json.loads((tmp_path / "reports" / "audit.json").read_text())
    assert (data["figures"]["requests"], data["figures"]["hits"]) == (4, 4)
    assert data["findings"] == []
    assert main(["audit", "bake", sources[0], "--fail-on", "unused"]) == 13
    capsys.readouterr()


def test_a_directory_with_nothing_of_recordbake_is_an_error_for_people(tmp_path, capsys):
    (tmp_path / "src").mkdir()
    assert main(["audit", str(tmp_path / "src"), "--out", str(tmp_path / "o")]) == 2
    assert "there is no recording, bake or journal" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_of_runs_that_are_not_judged_events_are_counted_not_kept(tmp_path):
    recording = make_recording(tmp_path, [captured(url) for url in URLS])
    hits = [request_event(url, test=f"t::{n}") for n in range(50) for url in URLS]
    add_run(recording, planted.OLD_REPLAY, hits, mode="replay")
    add_run(recording, planted.REPLAY, hits)
    events = load(recording).events
    rows = events.groupby("run", observed=True)["count"].agg(["size", "sum"])
    assert rows.loc[planted.REPLAY].tolist() == [200, 200]
    assert rows.loc[planted.OLD_REPLAY].tolist() == [4, 200]
