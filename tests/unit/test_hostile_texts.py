"""What a stranger wrote only shows: it steers no terminal, no browser and no workflow's machine."""

from __future__ import annotations

import gzip
import io
import json
import re
import subprocess
import sys
import time
from collections import Counter

import pytest

from recordbake import console, github, summary
from recordbake.audit import audit
from recordbake.audit.answers import read_answers
from recordbake.audit.report import code_span
from recordbake.guest import explain, likeness
from recordbake.guest.exchange import Request
from recordbake.preview import preview
from recordbake.run_info import RunInfo
from recordbake.run_summary import Summary
from tests.support.cli import ROOT, clean_environ
from tests.support.sample import add_run, captured, make_recording, request_event

EVIL = (
    "\x1b]0;owned\x07\x1b[2J\r\n::error file=a::owned\n ##[error]owned\u202e"
    "<script>alert(1)</script>`|"
)
TAG = "<script>alert"


def steers(text: str) -> list[str]:
    """What of a text a terminal or GitHub's runner would act on."""
    found = [repr(c) for c in text if not c.isprintable() and c not in "\n\t"]
    lines = text.split("\n")
    return found + [x for x in lines if x.lstrip().startswith("::") or "##[" in x]


def recording(tmp_path):
    url = f"http://evil.example/{EVIL}"
    entry = captured(url, EVIL.encode(), test=f"t.py::{EVIL}", headers=[("X-A", "b" + EVIL[:9])])
    other = captured("http://evil.example/json", json.dumps([EVIL]).encode())
    entry.request.url = url
    made = make_recording(tmp_path / "recording", [entry, other])
    event = request_event("http://evil.example/", "blocked")
    event |= {"test": EVIL, "message": EVIL, "host": EVIL, "url": url}
    add_run(
        made, "20261121T101502.123456Z-replay_strict-9f2c",
        [event, event | {"event": "leak", "what": EVIL}, event | {"event": "damage", "key": EVIL}],
        command=["pytest", EVIL], barrier=EVIL,
    )  # fmt: skip
    return made


def test_commands_print_nothing_that_steers(tmp_path):
    made = recording(tmp_path)
    for words in (
        ["show"], ["show", "http://evil"], ["audit"], ["merge", ".", "--into", tmp_path / "into"],
        ["show", "nothing"], ["audit", "--fail-on", EVIL], ["doctor"],
    ):  # fmt: skip
        words[:] = [made.path if word == "." else word for word in words]
        done = subprocess.run(
            [sys.executable, "-m", "recordbake", *map(str, words)], cwd=tmp_path, check=False,
            env=clean_environ(RECORDBAKE_RECORDING=str(made.path), PYTHONPATH=str(ROOT)),
            capture_output=True, timeout=120,
        )  # fmt: skip
        for stream in (done.stdout, done.stderr):
            assert steers(stream.decode()) == [], words
        assert b"Traceback" not in done.stderr


def test_a_runs_end_prints_nothing_that_steers(tmp_path, capsys):
    event = {"outcome": "blocked", "method": EVIL, "url": EVIL, "message": EVIL, "test": EVIL}
    leak = event | {"event": "leak", "what": EVIL, "host": EVIL, "port": EVIL, "process": EVIL}
    found = Summary(
        Counter(requests=1), [event], [leak], [{"reason": EVIL, "executable": EVIL}],
        [{"message": EVIL}], [{"error": EVIL}], [{"executable": EVIL}],
        places={EVIL: (EVIL, EVIL)},
    )  # fmt: skip
    info = RunInfo("r", "replay_strict", [EVIL], 0.0, barrier=EVIL, exit_code=10, lost=True)
    info.incomplete = [{"method": EVIL, "url": EVIL, "test": EVIL, "reason": EVIL}]
    summary.show(info, found, recording(tmp_path).runs()[0])
    assert steers(capsys.readouterr().err) == []
    for command in github.workflow_commands(found, None):
        assert command.count("\n") == 1
        assert steers(command.lstrip(":")) == []


def test_text_that_steers_nothing_stays_as_it_is():
    text = "a: b::c # [x] ##x\n  next: d\té"
    assert console.harmless(text) == text


def test_a_miss_is_told_in_lines_of_our_own():
    near = likeness.Recorded(("GET", f"http://h/a{EVIL}", EVIL, "k"), [], None, None)
    text = explain.miss_message(
        Request("GET", "http://h/b", []), "http://h/b", None, [near], explain.Advice("record")
    )
    assert steers(text) == []
    assert all(line.startswith("  ") for line in text.split("\n")[1:])


def test_the_report_holds_no_markup_of_others(tmp_path):
    audit(recording(tmp_path), tmp_path / "reports")
    page = (tmp_path / "reports" / "audit.html").read_text()
    assert "owned" in page
    assert page.count("<script") == 1
    assert TAG not in page
    text = (tmp_path / "reports" / "audit.md").read_text()
    outside = re.sub(r"(`+)[^`].*?\1", "", re.sub(r"(?s)(`{3,}).*?\n\1", "", text))
    assert TAG not in outside


@pytest.mark.parametrize("text", ["a|b", r"a\|b", r"a\\|<b>", "|`|"])
def test_a_code_span_stays_in_its_cell(text):
    """A backslash before a pipe would end the escape, and the pipe the cell (GFM, tables)."""
    assert not re.search(r"(?<!\\)(\\\\)*\|", code_span(text))


def test_a_deep_document_is_not_unfolded():
    deep = b"[" * 900 + b"0," * 300_000 + b"0" + b"]" * 900
    assert len(preview(deep, len(deep), "application/json", "")) < 10_000


def test_a_bomb_is_shown_by_its_beginning():
    bomb = gzip.compress(bytes(1 << 28))
    assert "binary" in preview(bomb, len(bomb), "text/plain", "gzip")


def test_comments_are_not_tried_in_all_ways(tmp_path):
    """Once, 300 empty comments took longer than the universe has."""
    page = b"<!---->" * 300
    entries = [captured("http://a.example/a.png", page, headers=[("Content-Type", "image/png")])]
    made = make_recording(tmp_path / "r", entries)
    before = time.process_time()
    (facts,) = read_answers(made.store).values()
    assert facts.looks == ""
    assert time.process_time() - before < 30


def test_files_behind_a_url_stay_where_they_are_fetched_to(tmp_path):
    from contextlib import ExitStack

    import fsspec

    from recordbake.errors import UsageError
    from recordbake.sources import opened

    memory = fsspec.filesystem("memory")
    memory.store["/evil/http_cache/a"] = memory.open("/evil/http_cache/a", "wb")
    memory.pipe_file("/evil/http_cache/a", b"x")
    memory.store["/evil/../../../../planted"] = memory.store["/evil/http_cache/a"]
    try:
        with ExitStack() as stack, pytest.raises(UsageError, match="does not lie in it"):
            opened("memory://evil", stack)
    finally:
        memory.store.clear()


def test_an_answer_without_an_end_is_cut_off():
    from recordbake.bake.places.place import copy

    class Endless(io.RawIOBase):
        def read(self, size=-1):
            return bytes(size)

    sink = io.BytesIO()
    with pytest.raises(OverflowError):
        copy(Endless(), sink, lambda _: None, 10_000_000)
    assert sink.tell() <= 10_000_000
