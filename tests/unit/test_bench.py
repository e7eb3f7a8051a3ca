"""The bench works and writes what its page says; what it measures is not for tests."""

from __future__ import annotations

import json
import subprocess
import sys
from xml.etree import ElementTree as ET

from tests.support.cli import ROOT, clean_environ


def test_a_quick_bench_writes_its_report_and_page(tmp_path):
    only = "start-up,hit-httpx2,memory-replay,hub,growth-bodies"
    out, page = tmp_path / "bench.json", tmp_path / "page.md"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--only", only,
         "--out", out, "--page", page, "--images", tmp_path],
        cwd=ROOT, env=clean_environ(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert report["v"] == 1
    assert report["quick"] is True
    rows = {row["name"]: row for row in report["rows"]}
    assert set(rows) == {"start-up", "hit-httpx2", "memory-replay", "hub"}
    for row in rows.values():
        assert row["value"] > 0
        assert row["met"] is (row["value"] <= row["bar"])
        assert all(figure > 0 for figures in row["sides"].values() for figure in figures)
        assert f"| {row['what']} |" in page.read_text()
    (growth,) = report["growth"]
    assert len(growth["x"]) == len(growth["sides"]["hit"]) == 2
    assert f"]({'../images/growth-bodies.svg'})" in page.read_text()
    picture = ET.parse(tmp_path / "growth-bodies.svg").getroot()
    assert not [e for e in picture.iter() if e.tag.endswith("script") or "href" in str(e.attrib)]
