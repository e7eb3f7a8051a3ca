"""Sample files of each released format version: ``python -m tests.support.formats`` makes today's.

Those of an older version are never made again: what is tested is that what it wrote still opens.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from recordbake.bake import bake
from recordbake.guest import codec
from recordbake.guest.exchange import Failure
from recordbake.recording import Recording
from recordbake.store import FORMAT
from tests.support.bakes import COMMIT, make_hub
from tests.support.cli import ROOT
from tests.support.sample import add_run, captured, make_recording, request_event

FORMATS = ROOT / "tests" / "formats"
LARGE = b"0123456789abcdef" * 2000  # more than the inline limit, and little when compressed


def make(where: Path) -> None:
    """A recording with all that a format has: takes, failures, bodies, Hub caches, runs."""
    shards = where / "shards"
    url = "https://api.example.org/items"
    refused = Failure("refused", "no", 111, "connect", "")
    entries = [
        captured(url, b'{"n": 1}', headers=[("Content-Type", "application/json"), ("ETag", '"1"')]),
        captured(url, b'{"n": 2}', recorded_at=1_790_000_001.0),
        captured("https://files.example.org/large", LARGE, shards=shards),
        captured("https://down.example.org/", b"", failure=refused),
        captured("https://hub.example.org/", headers=[("Vary", "X-A"), ("X-Repo-Commit", COMMIT)]),
    ]  # fmt: skip
    entries[0].chunks = [(4, 2)]
    entries[4].vary = {"x-a": "0" * 16}
    recording = make_recording(where / "recording", entries, shards)
    make_hub(recording.hf_cache)
    test = request_event(url) | {"event": "test", "outcome": "passed", "phase": "call"}
    events = [request_event(url), request_event(url, "blocked", message="why"), test]
    add_run(recording, "20261121T101502.123456Z-replay_strict-9f2c", events)
    bake(recording, where / "bake")
    shutil.rmtree(shards)
    # A run that was killed, for the next command to take up.
    left = Recording(where / "killed").runs_dir / "20261121T111502.123456Z-record-0000" / "shards"
    left.mkdir(parents=True)
    (left / "complete").touch()
    (left / "1.entries").write_bytes(codec.encode_record(captured("https://left.example.org/")))
    (left / "1.ndjson").write_text(json.dumps(request_event("https://left.example.org/")) + "\n")


def pack(out: Path) -> None:
    """Make today's sample as one file, which no checkout changes (empty directories, links)."""
    with tempfile.TemporaryDirectory() as work:
        make(Path(work) / "sample")
        shutil.make_archive(str(out.with_suffix("").with_suffix("")), "gztar", work, "sample")


if __name__ == "__main__":
    target = FORMATS / f"{FORMAT}.tar.gz"
    if target.exists():
        sys.exit(f"{target} is there: a released format's sample is never made again")
    FORMATS.mkdir(exist_ok=True)
    pack(target)
