"""How runs end that are not left to themselves: by signals, in pieces, and twice."""

from __future__ import annotations

import os
import shutil
import signal
import sys

import pytest

from recordbake import leftovers, store
from recordbake.files import write_atomically
from recordbake.guest.codec import encode_record
from recordbake.journal import Outcomes
from recordbake.merge import forget_merge, merge_entries
from recordbake.recording import Recording, Run
from recordbake.workspace import workspace
from tests.faults.processes import Started, command, run, until
from tests.support.origin import Origin
from tests.support.sample import captured, make_recording

URL = "https://x.example/a"

#: Its shell is the command; Python is the shell's child and has a child of its own.
FAMILY = """
import pathlib, signal, subprocess, sys, time, urllib.request
urllib.request.urlopen(sys.argv[1] + "/a").read()
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("started").touch()
time.sleep(600)
"""


@pytest.mark.parametrize(
    ("number", "manner"), [(signal.SIGTERM, "stubborn"), (signal.SIGHUP, "meek")]
)
def test_a_signal_ends_the_whole_family_and_the_run_is_merged(tmp_path, number, manner):
    (tmp_path / "family.py").write_text(FAMILY)
    with Origin() as origin:
        inner = f"{sys.executable} family.py {origin.url} {manner}; true"
        words = command("record", "--", "sh", "-c", inner)
        before = signal.signal(number, signal.SIG_DFL)  # under nohup, all would ignore SIGHUP
        try:
            with Started(words, tmp_path) as started:
                assert until((tmp_path / "started").exists, 60), started.stderr()
                started.process.send_signal(number)
                result = started.end()
                assert started.alone(60), started.members()
        finally:
            signal.signal(number, before)
    assert result.returncode == 128 + number, result.stderr
    assert "1 requests (1 stored)" in result.stderr
    assert store.check(tmp_path / ".recordbake/http_cache/requests_cache.sqlite")["entries"] == 1
    assert not list((tmp_path / "tmp").iterdir())


def test_a_signal_that_is_ignored_stays_so(tmp_path):
    (tmp_path / "family.py").write_text("import os, signal; os.kill(os.getppid(), signal.SIGHUP)")
    words = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh",
             *command("record", "--", sys.executable, "family.py")]  # fmt: skip
    with Started(words, tmp_path) as started:
        assert started.end().returncode == 0


@pytest.mark.parametrize("verb", [("bake",), ("audit",)])
def test_a_signal_ends_what_runs_no_command(tmp_path, verb):
    make_recording(tmp_path / ".recordbake", [captured(URL)])
    code = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    (tmp_path / "sitecustomize.py").write_text(
        f"import recordbake.runs as r\ndef recover(_):\n    {code}\nr.recover = recover\n"
    )
    with Started(command(*verb), tmp_path, PYTHONPATH=str(tmp_path)) as started:
        result = started.end()
    assert result.returncode == 143
    assert result.stderr == "recordbake: terminated\n"


#: Where Python drops an exception: it says so of the first, of the second only since 3.13.
DROPPED = {
    "an object's end": "class Last:\n    def __del__(self): interrupt()",
    "a file's end": "import io\nclass Last(io.RawIOBase):\n    def close(self): interrupt()",
    "a generator's end": """
def ending():
    try:
        yield
    finally:
        interrupt()
def Last():
    next(ending())
""",
}
INTERRUPTED = """
import os, signal, time
import recordbake.runs
def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
{0}
def recover(_):
    Last()
    time.sleep(20)
recordbake.runs.recover = recover
"""


@pytest.mark.parametrize("where", DROPPED)
def test_ctrl_c_is_heeded_even_where_python_drops_exceptions(tmp_path, where):
    make_recording(tmp_path / ".recordbake", [captured(URL)])
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTED.format(DROPPED[where]))
    with Started(command("bake"), tmp_path, PYTHONPATH=str(tmp_path)) as started:
        result = started.end()
    assert (result.returncode, result.stderr) == (130, "recordbake: interrupted\n")


DAEMON = """
import os, sys, time, urllib.request
urllib.request.urlopen(sys.argv[1] + "/a").read()
if os.fork() == 0:
    while not os.path.exists("ended"):  # when the runner has, and its hook is gone
        time.sleep(0.02)
    import multiprocessing.util, unittest.case, http.client, requests
    open("imported", "w").close()
"""


def test_what_goes_on_after_the_command_is_said_and_not_disturbed(tmp_path):
    (tmp_path / "daemon.py").write_text(DAEMON)
    with Origin() as origin:
        words = command("record", "--", sys.executable, "daemon.py", origin.url)
        with Started(words, tmp_path) as started:
            result = started.end()
            (tmp_path / "ended").touch()
            assert until((tmp_path / "imported").exists, 60), started.stderr()
            assert started.alone(60), started.members()
    assert result.returncode == 0, result.stderr
    assert "1 processes go on after the command has ended" in result.stderr
    assert "Traceback" not in (tmp_path / "stderr").read_text()
    assert run(tmp_path, "replay", "--", sys.executable, "-c", "pass").returncode == 0
    assert not list((tmp_path / "tmp").iterdir())  # gone with the next run


def missing_run(recording, entries):
    found = Run(recording.runs_dir / "r")
    shutil.rmtree(found.path, ignore_errors=True)
    found.shards.mkdir(parents=True)
    (found.shards / "1.entries").write_bytes(b"".join(map(encode_record, entries)))
    return found


def test_a_run_that_was_killed_after_its_merge_is_merged_once(tmp_path):
    recording = make_recording(tmp_path / "rec", [captured(URL)])
    new = [captured(URL + "new", body, recorded_at=n) for n, body in enumerate((b"1", b"2"), 9)]
    taken = missing_run(recording, new)
    for _ in range(2):
        merge_entries(recording, taken, Outcomes(), whole=False)
    with store.connect_readonly(recording.store) as connection:
        uses = connection.execute("SELECT n, take FROM uses WHERE key = ?", (new[0].key,))
        assert [tuple(row) for row in uses] == [(0, 0), (1, 1)]
    forget_merge(recording, taken)
    with store.connect_readonly(recording.store) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM meta")}
    assert names == {"format", "authorized", "content"}


def test_a_body_that_was_half_copied_is_copied_again(tmp_path, monkeypatch):
    """Shards on another file system cannot be linked."""
    recording = Recording(tmp_path / "rec")
    body = bytes(100_000)
    taken = Run(recording.runs_dir / "r")
    entry = captured(URL, body, shards=taken.shards)
    (taken.shards / "1.entries").write_bytes(encode_record(entry))

    def killed(source, target, **_):
        target.write_bytes(body[:1000])
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.hardlink_to", lambda *_: (_ for _ in ()).throw(OSError()))
    with monkeypatch.context() as patch:
        patch.setattr("recordbake.files.shutil.copyfile", killed)
        patch.setattr("pathlib.Path.unlink", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            merge_entries(recording, taken, Outcomes(), whole=True)
    merge_entries(recording, taken, Outcomes(), whole=True)
    assert store.check(recording.store)["body_bytes"] == len(body)
    assert [p.name for p in recording.bodies.glob("*/*")] == [entry.body_sha256]


def test_what_a_killed_writer_left_is_removed_by_the_next_one_and_no_sooner(tmp_path):
    left = tmp_path / ".file.1234.tmp"
    left.write_text("half")
    with workspace(tmp_path, ".work-") as held:
        write_atomically(tmp_path / "file", b"whole")
        with workspace(tmp_path, ".work-"):
            assert held.is_dir()
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_who_uses_a_directory(tmp_path):
    (tmp_path / "a").mkdir()
    assert leftovers.users(tmp_path / "a") == []
    with Started(["sh", "-c", "exec sleep 60 > a/file"], tmp_path) as started:
        assert until(lambda: leftovers.users(tmp_path / "a") == [started.process.pid], 30)
    assert not leftovers.in_use(tmp_path / "a")
    with Started(["sleep", "60"], tmp_path, HOOK=str(tmp_path / "a")):
        assert until(lambda: leftovers.in_use(tmp_path / "a"), 30)


def test_a_run_whose_processes_go_on_is_finished_after_they_have_ended(tmp_path):
    with Origin() as origin:
        code = f"import urllib.request as u; u.urlopen('{origin.url}/a').read()"
        ignored = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
        waits = f"{ignored}; {code}; import time; open('asked', 'w'); time.sleep(600)"
        with Started(command("record", "--", sys.executable, "-c", waits), tmp_path) as started:
            assert until((tmp_path / "asked").exists, 60), started.stderr()
            os.kill(started.process.pid, signal.SIGKILL)
            result = run(tmp_path, "record", "--", sys.executable, "-c", "pass")
            assert "1 of its processes go on" in result.stderr
    result = run(tmp_path, "replay", "--", sys.executable, "-c", "pass")
    assert "had been killed" in result.stderr
    assert store.check(tmp_path / ".recordbake/http_cache/requests_cache.sqlite")["entries"] == 1
