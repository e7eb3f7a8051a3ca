"""What a hooked process loads: next to nothing until it is needed."""

from __future__ import annotations

import compileall
import json
import os
import py_compile
import shutil
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path
from py_compile import PycInvalidationMode

import pytest

from recordbake import guest, hook_dir
from recordbake.guest import guard, hook, spawns
from recordbake.guest.config import GuestConfig
from recordbake.interpreter import examine
from tests.support.cli import ROOT, clean_environ
from tests.support.origin import Origin

SHOW = "; import sys, json; print(json.dumps(sorted(sys.modules)))"
#: Of the standard library, what a process that only starts may have to load.
ALLOWED = {"__future__", "_json", "atexit", "errno", "time"}


def modules(code, tmp_path, mode=None, **options):
    environ = clean_environ()
    if mode is not None:
        (tmp_path / "hook").mkdir()
        (tmp_path / "shards").mkdir()
        config = GuestConfig(mode=mode, run="r", shards=str(tmp_path / "shards"), **options)
        environ["PYTHONPATH"] = str(hook_dir.build(tmp_path / "hook", config))
    done = subprocess.run(
        [sys.executable, "-c", code + SHOW], env=environ, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("mode", ["record", "replay_strict"])
def test_a_process_that_does_nothing_loads_next_to_nothing(tmp_path, mode):
    added = modules("pass", tmp_path, mode) - modules("pass", tmp_path)
    assert {name for name in added if not name.startswith("_recordbake_guest")} <= (
        ALLOWED | {"sitecustomize"}
    )
    assert len(added) - len(ALLOWED) < 12, sorted(added)


@pytest.mark.parametrize("library", ["requests", "httpx", "http.client"])
def test_importing_a_client_does_not_load_what_requests_take(tmp_path, library):
    added = modules(f"import {library}", tmp_path, "replay_strict")
    assert "_recordbake_guest.clients" in added
    assert not added & {"sqlite3", "_recordbake_guest.engine", "_recordbake_guest.guard"}


#: What the first connection loads, or a live request or failure.
CONNECTING = {
    "answer_reader", "decision", "deferred_socket", "exceptions", "exchange", "failures", "framing",
    "live_reader", "request_buffer", "response_reader", "retry", "stand_in", "tunnel", "wire",
}  # fmt: skip


@pytest.mark.parametrize("library", ["requests", "http.client"])
def test_importing_a_client_does_not_load_what_connections_and_failures_take(tmp_path, library):
    added = modules(f"import {library}", tmp_path, "replay_strict")
    names = {name.rpartition(".")[2] for name in added if name.startswith("_recordbake_guest.")}
    assert "answer_files" in names
    assert not names & CONNECTING
    assert "_contextvars" not in added


#: What reads the store, or belongs to ``record --from-audit``.
READING = {"ahead", "memory", "reader", "refetch", "takes"}


def test_a_recorded_request_does_not_load_what_reads_the_store(tmp_path):
    with Origin() as origin:
        fetch = f"import urllib.request\nurllib.request.urlopen('{origin.url}/a').read()"
        added = modules(fetch, tmp_path, "record", capture_loopback=True)
    names = {name.rpartition(".")[2] for name in added if name.startswith("_recordbake_guest.")}
    assert {"engine", "capture"} <= names
    assert not names & READING
    assert "sqlite3" not in added


OWN = """
import http.client, os, sys
for name in ("connection", "versions"):
    module = sys.modules["_recordbake_guest.clients." + name]
    print(type(module.__spec__.loader).__name__, os.path.basename(module.__file__),
          os.path.basename(module.__cached__), getattr(module, "CHANGED__", None))
    function = getattr(module, "url_of", None)
    assert function is None or function.__code__.co_filename == module.__file__
"""


def _changed(path):
    """A source of another size alone."""
    state = path.stat()
    path.write_text(path.read_text() + "\nCHANGED__ = 1\n")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def _as_long(path):
    """A source of another time alone."""
    path.write_text(path.read_text().replace("SUPPORTED", "CHANGED__"))
    os.utime(path, (1, 1))


def _torn(path):
    compiled = Path(cache_from_source(str(path)))
    compiled.write_bytes(compiled.read_bytes()[:-100])


def _of_another_python(path):
    compiled = Path(cache_from_source(str(path)))
    compiled.write_bytes(b"\0\0\r\n" + compiled.read_bytes()[4:])


def _missing(path):
    Path(cache_from_source(str(path))).unlink()


TIMED, UNCHECKED, CHECKED = (
    PycInvalidationMode.TIMESTAMP,
    PycInvalidationMode.UNCHECKED_HASH,
    PycInvalidationMode.CHECKED_HASH,
)


def own(tmp_path, kind, change, *options):
    """Who loaded a module that is as it was compiled, and one that was changed; what was said."""
    (tmp_path / "hook").mkdir()
    (tmp_path / "shards").mkdir()
    config = GuestConfig(mode="record", run="r", shards=str(tmp_path / "shards"))
    hook_path = hook_dir.build(tmp_path / "hook", config)
    assert compileall.compile_dir(
        hook_path, quiet=2, force=True, invalidation_mode=kind, ddir="where it was compiled"
    )
    change(hook_path / hook_dir.GUEST_NAME / "clients" / "versions.py")
    environ = clean_environ(PYTHONPATH=str(hook_path), PYTHONDONTWRITEBYTECODE="1")
    command = [sys.executable, *options, "-c", OWN]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    return done.stdout.splitlines(), done.stderr


@pytest.mark.parametrize(
    ("kind", "change", "loader", "changed"),
    [
        (TIMED, lambda _: None, "OwnLoader", "None"),
        (TIMED, _changed, "SourceFileLoader", "1"),
        (TIMED, _as_long, "SourceFileLoader", "{'http.client'"),
        (TIMED, _missing, "SourceFileLoader", "None"),
        (TIMED, _of_another_python, "SourceFileLoader", "None"),
        (UNCHECKED, lambda _: None, "OwnLoader", "None"),
        (UNCHECKED, _changed, "OwnLoader", "None"),
        (UNCHECKED, _of_another_python, "SourceFileLoader", "None"),
        (CHECKED, _changed, "SourceFileLoader", "1"),
    ],
)
def test_the_guest_is_taken_from_what_python_would_take(tmp_path, kind, change, loader, changed):
    (plain, other), complaint = own(tmp_path, kind, change)
    compiled = [Path(cache_from_source(f"{name}.py")).name for name in ("connection", "versions")]
    assert plain.split()[1:] == ["connection.py", compiled[0], "None"]
    assert plain.startswith("OwnLoader") is (kind is not CHECKED)
    assert other.startswith(f"{loader} versions.py {compiled[1]} {changed}")
    assert complaint == ""


def test_a_torn_module_of_the_guest_is_told_by_python_itself(tmp_path):
    assert "EOFError: marshal data too short" in own(tmp_path, TIMED, _torn)[1]


@pytest.mark.parametrize("option", ["-O", "--check-hash-based-pycs=always"])
def test_who_wants_other_modules_gets_them_from_python(tmp_path, option):
    loaders, complaint = own(tmp_path, UNCHECKED, _changed, *option.split("="))
    assert [line.split()[0] for line in loaders] == ["SourceFileLoader"] * 2
    assert loaders[1].endswith(" 1")
    assert complaint == ""


def test_the_audit_hook_lets_through_what_guard_and_spawns_look_at():
    assert {*guard._WATCHED, *spawns._WATCHED, "os.system"} == hook.AUDITED


@pytest.mark.parametrize("optimized", ["", "1"])
def test_the_hook_is_compiled_before_the_first_process(tmp_path, optimized):
    hook_path, shards = tmp_path / "hook", tmp_path / "shards"
    hook_path.mkdir()
    shards.mkdir()
    hook_dir.build(hook_path, GuestConfig(mode="record", run="r", shards=str(shards)))
    environ = clean_environ(
        PYTHONPATH=str(hook_path), PYTHONDONTWRITEBYTECODE="1", PYTHONOPTIMIZE=optimized
    )
    assert examine(sys.executable, ["-c", "pass"], environ).hooked
    code = (
        "import sys, os, requests; print([m.__file__ for n, m in sys.modules.items() if"
        " '_recordbake' in n and not os.path.exists(m.__cached__)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


#: What other commands take, or the end of a run that is not an ordinary one.
NEEDLESS = {
    "argcomplete", "difflib", "email", "huggingface_hub", "importlib.metadata", "jinja2", "nox",
    "pandas", "recordbake.audit", "recordbake.bake", "recordbake.commands.bake",
    "recordbake.doctor",
    "recordbake.isolation.seccomp", "recordbake.isolation.namespace", "recordbake.scanning",
    "requests", "requests_cache", "rich", "traceback", "urllib3", "zipfile",
}  # fmt: skip


def test_a_recording_loads_only_what_it_takes(tmp_path):
    command = [sys.executable, "-X", "importtime", "-m", "recordbake", "record", "--", "true"]
    done = subprocess.run(
        command, cwd=tmp_path, env=clean_environ(), capture_output=True, text=True, check=True
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "recordbake.runner" in loaded
    assert not loaded & NEEDLESS


def test_a_command_starts_without_what_is_dear_to_load():
    code = (
        "import sys, recordbake.cli, recordbake.commands.record, recordbake.runner;"
        "print({'dataclasses', 'inspect', 'json', 'sqlite3'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_what_is_compiled_of_the_guest_is_kept_for_the_next_run(tmp_path, monkeypatch):
    package = tmp_path / "package"
    shutil.copytree(Path(guest.__file__).parent, package, ignore=lambda *_: ["__pycache__"])
    monkeypatch.setattr(hook_dir.guest, "__file__", str(package / "__init__.py"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(hook_dir, "sitecustomize_source", lambda: ROOT / "sitecustomize.py")
    (tmp_path / "hook").mkdir()
    config = GuestConfig(mode="record", run="r", shards=str(tmp_path))
    copy = hook_dir.build(tmp_path / "hook", config) / hook_dir.GUEST_NAME
    for below in (package, copy):
        missing = [
            path.name
            for path in below.rglob("*.py")
            if path.name != "handover.py" and not Path(cache_from_source(str(path))).exists()
        ]
        assert not missing
    assert (copy / "engine.py").stat().st_mtime_ns == (package / "engine.py").stat().st_mtime_ns


def test_what_was_compiled_of_another_release_is_compiled_again(tmp_path, monkeypatch):
    source = tmp_path / "guest"
    (source / "clients").mkdir(parents=True)
    module = source / "engine.py"
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    compiled = Path(cache_from_source(str(module)))
    for text, seconds in (
        ("x = 1", 1_000_000_000),
        ("x = 2", 1_000_000_009),
        ("x = 22", 10**9 + 9),
    ):
        module.write_text(text)
        os.utime(module, (seconds, seconds))
        assert not hook_dir._is_compiled(module)
        hook_dir._compile(source)
        assert hook_dir._is_compiled(module)
        before = compiled.stat().st_ino
        hook_dir._compile(source)
        assert compiled.stat().st_ino == before  # written once


def test_a_guest_that_is_not_ours_to_write_is_copied_all_the_same(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "not yours")

    package = tmp_path / "package"
    shutil.copytree(Path(guest.__file__).parent, package, ignore=lambda *_: ["__pycache__"])
    monkeypatch.setattr(hook_dir.guest, "__file__", str(package / "__init__.py"))
    monkeypatch.setattr(hook_dir, "sitecustomize_source", lambda: ROOT / "sitecustomize.py")
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(py_compile, "compile", refuse)
    (tmp_path / "hook").mkdir()
    config = GuestConfig(mode="record", run="r", shards=str(tmp_path))
    assert (hook_dir.build(tmp_path / "hook", config) / hook_dir.GUEST_NAME / "boot.py").exists()
