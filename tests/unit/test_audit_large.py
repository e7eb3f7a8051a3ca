"""The queries of docs/how-to/large.md give what the audit finds."""

from __future__ import annotations

import re

import duckdb

from recordbake.audit.findings import find, iso
from recordbake.audit.load import load
from tests.support import audit as planted
from tests.support.cli import ROOT


def test_the_documented_queries_give_the_findings_of_the_audit(tmp_path, monkeypatch):
    recording = planted.planted_recording(tmp_path / ".recordbake")
    found = find(load(recording), stale_after_days=30, now=planted.NOW)
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "how-to" / "large.md").read_text()
    view, misses, leaks = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    with duckdb.connect() as database:
        database.execute(view)
        rows = database.execute(misses).fetchall()
        assert [(f"{m} {u}", n, tuple(t), iso(ts)) for m, u, n, t, ts in rows] == [
            (f.subject, f.evidence["count"], f.tests, f.evidence["first_seen"])
            for f in found if f.kind == "live-miss"
        ]  # fmt: skip
        assert len(rows) == 1
        (leak,) = [f for f in found if f.kind == "leak"]
        assert database.execute(leaks).fetchall() == [
            (*(leak.evidence[n] for n in ("host", "port", "what", "count")), list(leak.tests))
        ]
