"""0 means that a strict replay can be trusted; whatever is wrong is named with what to change."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest

from recordbake import doctor
from recordbake.settings import Settings
from tests.support.cli import recordbake
from tests.support.sample import add_run, captured, make_recording

NO = SimpleNamespace(name="seccomp", ok=False, reason="not permitted", remedy="allow it")
YES = SimpleNamespace(name="namespace", ok=True, reason="holds all", remedy="")
GUARD = SimpleNamespace(name="process", ok=True, reason="", remedy="")
RUN = "20260901T000000.000000Z-record-0001"


@pytest.fixture
def settings(tmp_path):
    recording = make_recording(tmp_path / ".recordbake", [captured("https://a.example/")])
    add_run(recording, RUN, [], mode="record")
    return Settings(root=tmp_path, isolation="process")


def recording_of(settings):
    return settings.recording_path / "http_cache" / "requests_cache.sqlite"


def states(settings, what, command=(sys.executable,)):
    return [(c.state, c.found) for c in doctor.examine(settings, command) if c.what == what]


def test_all_is_well(settings):
    checks = doctor.examine(settings, [sys.executable, "-m", "pytest"])
    assert not [c for c in checks if c.state == "bad"]
    assert ("ok", f"{sys.executable} can be hooked") in states(settings, "interpreter")
    text = doctor.render(checks)
    assert text.endswith("a strict replay can be trusted here")
    assert "1 entries, 1 takes" in text


def test_the_clients_of_that_interpreter_are_named(settings):
    found = dict(text.split() for _, text in states(settings, "client"))
    assert {"http.client", "urllib3", "httpx", "httpx2"} <= set(found)


@pytest.mark.parametrize(
    ("command", "state", "reason"),
    [
        ([sys.executable, "-I", "-m", "pytest"], "bad", "does not read PYTHONPATH"),
        (["no-such-program"], "bad", "there is no such program"),
        (["sh", "-c", "true"], "note", "is not a Python by name or shebang"),
    ],
)
def test_interpreters(settings, command, state, reason):
    ((found, text),) = states(settings, "interpreter", command)
    assert (found, reason in text) == (state, True)


def test_a_client_out_of_range(settings, monkeypatch):
    monkeypatch.setattr("recordbake.guest.clients.versions.SUPPORTED", {"pytest": ("1", "2")})
    monkeypatch.setattr(doctor, "SUPPORTED", {"pytest": ("1", "2")})
    (check,) = [c for c in doctor.examine(settings, [sys.executable]) if c.what == "client"]
    assert (check.state, check.remedy) == ("bad", 'install "pytest>=1,<2"')
    accepted = Settings(**vars(settings) | {"untested_clients": True})
    ((state, _),) = states(accepted, "client")
    assert state == "note"


@pytest.mark.parametrize(
    ("available", "wanted", "expected"),
    [
        ([NO, YES, GUARD], "auto", ["note", "ok"]),
        ([NO, GUARD], "auto", ["note", "bad"]),
        ([NO, GUARD], "process", ["note", "note"]),
        ([NO, YES, GUARD], "kernel", ["note", "ok"]),
        ([NO, YES, GUARD], "seccomp", ["note", "ok", "bad"]),
    ],
)
def test_barriers(settings, monkeypatch, available, wanted, expected):
    monkeypatch.setattr("recordbake.isolation.available", lambda: available)
    chosen = Settings(**vars(settings) | {"isolation": wanted})
    assert [state for state, _ in states(chosen, "barrier")] == expected


def test_what_is_wrong_has_its_remedy(settings, monkeypatch):
    monkeypatch.setattr("recordbake.isolation.available", lambda: [NO])
    text = doctor.render(
        doctor.examine(Settings(**vars(settings) | {"isolation": "auto"}), [sys.executable])
    )
    assert "note  barrier      seccomp: not permitted\n                   next: allow it" in text
    assert "could not be trusted: 1 to mend" in text


def test_a_damaged_recording(settings):
    path = recording_of(settings)
    path.write_bytes(path.read_bytes()[:5000])
    ((state, text),) = states(settings, "recording")
    assert (state, str(path) in text) == ("bad", True)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"exit_code": 11, "incomplete": [{}, {}]}, "2 requests got no good answer"),
        ({"exit_code": None}, "was killed"),
    ],
)
def test_a_recording_that_is_not_whole(settings, change, reason):
    path = settings.recording_path / "runs" / RUN / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    _, (state, text) = states(settings, "recording")
    assert (state, reason in text) == ("bad", True)


def test_a_run_that_cannot_be_read(settings):
    (settings.recording_path / "runs" / RUN / "run.json").write_text("{")
    assert states(settings, "recording")[1][0] == "bad"


def test_the_command(settings, tmp_path):
    arguments = ["doctor", "--isolation", "process", "--json", "--", sys.executable]
    result = recordbake(*arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert {c["what"] for c in json.loads(result.stdout)} == {
        "interpreter", "client", "barrier", "recording"
    }  # fmt: skip
    recording_of(settings).unlink()
    result = recordbake(*arguments, cwd=tmp_path)
    assert result.returncode == 14
    assert "there is no store" in result.stdout
    assert "Traceback" not in result.stderr
