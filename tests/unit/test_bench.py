"""The bench works and writes what its page says; what it measures is not for tests."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.support.cli import ROOT, clean_environ


def test_a_quick_bench_writes_its_report_and_page(tmp_path):
    out, page = tmp_path / "bench.json", tmp_path / "page.md"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--only", "start-up,hit-httpx2,memory-replay",
         "--out", out, "--page", page],
        cwd=ROOT, env=clean_environ(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert report["v"] == 1
    assert report["quick"] is True
    rows = {row["name"]: row for row in report["rows"]}
    assert set(rows) == {"start-up", "hit-httpx2", "memory-replay"}
    for row in rows.values():
        assert row["value"] > 0
        assert row["met"] is (row["value"] <= row["bar"])
        assert all(figure > 0 for figures in row["sides"].values() for figure in figures)
        assert f"| {row['what']} |" in page.read_text()
