"""Journals counted where they are, by DuckDB, give the findings of those that are read here."""

from __future__ import annotations

import json
import pickle
import re
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import duckdb
import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordbake.audit.figures import figures
from recordbake.audit.findings import find
from recordbake.audit.load import load
from recordbake.audit.remote import find_runs
from recordbake.audit.summary import history
from recordbake.cli import main
from recordbake.errors import DamagedError
from recordbake.recording import Recording
from tests.support import audit as planted
from tests.support.cli import ROOT, recordbake
from tests.support.sample import add_run, captured, make_recording, request_event


def told(loaded):
    found = find(loaded, stale_after_days=30, now=planted.NOW, limits=planted.LIMITS)
    return found, figures(loaded, found, 30), history(loaded)


def without_runs(recording, where):
    shutil.copytree(recording.http_cache, where / "http_cache")
    return Recording(where)


@pytest.mark.parametrize("place", ["directory", "memory"])
def test_journals_elsewhere_give_the_same_findings(tmp_path, place):
    recording = planted.planted_recording(tmp_path / "r")
    pattern = str(recording.runs_dir)
    if place == "memory":
        fsspec.filesystem("memory").put(pattern + "/", "/bucket/r/runs/", recursive=True)
        pattern = "memory://bucket/r/runs"
    runs = find_runs(f"{pattern}/*/http_log.ndjson")
    expected = told(load(recording))
    assert told(load(without_runs(recording, tmp_path / "bare"), journals=runs)) == expected


LINES = [json.dumps(event) for event in planted.planted_events()] + [
    '{"v": 1, "ts": 17900', "not json", "[1]", "", '{"event": "request"}',
    json.dumps(planted.event("request", outcome="blocked", url=7, method=None, test=["x"])),
    '{"ts": 1, "event": "request", "outcome": "hit", "url": "\\ud800", "take": true, "v": null}',
    '{"ts": 1e300, "event": "request"}',
    '{"ts": 1, "event": "leak", "host": "a\\u0001,\\"b", "port": -4, "blocked": 1}',
]  # fmt: skip


@settings(max_examples=10)
@given(lines=st.lists(st.sampled_from(LINES), max_size=30))
def test_any_lines_give_the_same_findings_figures_and_damage(lines):
    with tempfile.TemporaryDirectory() as directory:
        recording = make_recording(Path(directory) / "r", [captured(planted.STALE)])
        for name in (planted.OLD_REPLAY, planted.REPLAY):
            add_run(recording, name, [])
            (recording.runs_dir / name / "http_log.ndjson").write_text("\n".join(lines))
        runs = find_runs(f"{recording.runs_dir}/*/http_log.ndjson")
        bare = without_runs(recording, Path(directory) / "bare")
        expected = told(load(recording))
        assert told(load(bare, journals=runs)) == expected
        assert told(load(bare, journals=runs, spread=map)) == expected


def test_several_processes_count_a_share_each(tmp_path):
    recording = planted.planted_recording(tmp_path / "r")
    runs = find_runs(f"{recording.runs_dir}/*/http_log.ndjson")
    shares: list = []

    def spread(counted, work):
        shares.extend(pickle.loads(pickle.dumps(work)))
        return pool.map(counted, work)

    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        loaded = load(without_runs(recording, tmp_path / "bare"), journals=runs, spread=spread)
    assert told(loaded) == told(load(recording))
    assert sorted(urls for urls, _ in shares) == sorted([run.url] for run in runs)


def test_shards_in_a_bucket_are_judged_together_from_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    urls = [f"https://h.org/{n}" for n in range(4)]
    make_recording(tmp_path / "r", [captured(url) for url in urls])
    memory = fsspec.filesystem("memory")
    for shard in (0, 1):
        job = Recording(tmp_path / f"job-{shard}")
        name = f"20261101T00000{shard}.000000Z-replay_strict-000{shard}"
        add_run(job, name, [request_event(url) for url in urls[2 * shard : 2 * shard + 2]])
        memory.put(f"{job.runs_dir}/", f"/ci/{shard}/runs/", recursive=True)
    assert main(["audit", "r", "--journals", "memory://ci/*/runs/*/http_log.ndjson"]) == 0
    figure = json.loads((tmp_path / "reports" / "audit.json").read_text())["figures"]
    assert (figure["requests"], figure["hits"], figure["unused"]) == (4, 4, 0)
    assert len(figure["replay_runs"]) == 2


def test_a_bucket_of_s3(tmp_path):
    import boto3
    from moto.server import ThreadedMotoServer

    recording = planted.planted_recording(tmp_path / "r")
    make_recording(tmp_path / "bare" / ".recordbake", [captured(planted.STALE)])
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        keys = {
            "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y",
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        }  # fmt: skip
        s3 = boto3.client("s3", endpoint_url=keys["AWS_ENDPOINT_URL"], region_name="us-east-1",
                          aws_access_key_id="x", aws_secret_access_key="y")  # fmt: skip
        s3.create_bucket(Bucket="team")
        for path in recording.runs_dir.rglob("*.*json"):
            s3.upload_file(str(path), "team", f"ci/{path.relative_to(recording.path)}")
        pattern = "s3://team/ci/runs/*/http_log.ndjson"
        asked = ["audit", "--journals", pattern]
        done = recordbake(*asked, cwd=tmp_path / "bare", env=keys)
        assert done.returncode == 0, done.stderr
        written = tmp_path / "bare" / "reports" / "audit.json"
        data = json.loads(written.read_text())
        done = recordbake(*asked, "--workers", "3", cwd=tmp_path / "bare", env=keys)
        assert done.returncode == 0, done.stderr
        again = json.loads(written.read_text())
    finally:
        server.stop()
    assert again | {"generated_at": 0, "trend": 0} == data | {"generated_at": 0, "trend": 0}
    assert data["figures"]["requests"] == 19
    assert [run["run"] for run in data["runs"]] == [
        planted.RECORD, planted.OLD_REPLAY, planted.REPLAY,
    ]  # fmt: skip
    assert {"live-miss", "leak", "incomplete", "uncovered", "damaged-journal"} <= {
        finding["kind"] for finding in data["findings"]
    }


def test_the_documented_query_gives_the_misses_of_all_runs(tmp_path, monkeypatch):
    planted.planted_recording(tmp_path / ".recordbake")
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "how-to" / "large.md").read_text()
    (query,) = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    assert duckdb.sql(query).fetchall() == [
        ("GET", planted.MISSED, 3, 1, ["t.py::a", "t.py::b"]),
        ("GET", "https://gone.example.org/", 1, 1, ["tests/test_a.py::test_one"]),
    ]


def test_a_newer_journal_is_refused(tmp_path):
    recording = make_recording(tmp_path / "r", [])
    add_run(recording, planted.REPLAY, [request_event("https://h/") | {"v": 99}])
    runs = find_runs(f"{recording.runs_dir}/*/http_log.ndjson")
    with pytest.raises(DamagedError, match="format 99"):
        load(without_runs(recording, tmp_path / "bare"), journals=runs)


def test_a_pattern_that_names_nothing_is_an_error_for_people(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make_recording(tmp_path / ".recordbake", [])
    assert main(["audit", "--journals", "memory://nowhere/*/http_log.ndjson"]) == 2
    assert main(["audit", "--journals", "no-such-scheme://x/*"]) == 2
    said = capsys.readouterr().err
    assert "there are no journals" in said
    assert "the journals cannot be read" in said
