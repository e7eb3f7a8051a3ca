"""Which started processes are Pythons that leave the hook behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from recordbake.guest.multiprocessing_spawn import hooked
from recordbake.guest.spawns import SpawnWatch, ignores_hook, is_python, pythons_of_shell


@pytest.mark.parametrize(
    ("program", "expected"),
    [("python", True), ("/a b/python3.12", True), ("pypy3", True), ("/usr/bin/pythonic", False),
     ("pytest", False), ("git", False), ("", False)],
)  # fmt: skip
def test_pythons_by_name(program, expected):
    assert is_python(program) is expected


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["-I", "x.py"], "-I"),
        (["-uEs", "-m", "x"], "-uEs"),
        (["-X", "importtime", "-S"], "-S"),
        (["-Ximporttime", "x.py", "-I"], ""),
        (["-W", "error", "-c", "print()", "-E"], ""),
        (["-m", "x", "-S"], ""),
        (["x.py", "-I"], ""),
        (["--version"], ""),
        ([], ""),
    ],
)
def test_options_that_leave_the_hook_behind(arguments, option):
    assert ignores_hook(arguments) == option


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("python -I x.py", [["python", "-I", "x.py"]]),
        ("cd a && '/b/python3.12' -S x | tee y", [["/b/python3.12", "-S", "x", "tee", "y"]]),
        ("make test; ls", []),
    ],
)  # fmt: skip
def test_pythons_in_a_shells_command(command, found):
    assert pythons_of_shell(command) == found


class Journal:
    def __init__(self):
        self.gaps = []
        self.programs = []

    def write(self, event, **fields):
        if event == "program":
            self.programs.append(Path(fields["executable"]).name)
        else:
            assert event == "gap"
            self.gaps.append(fields["reason"])


HOOKED = {"PYTHONPATH": "/hook", "RECORDBAKE_HOOK": "/hook"}


@pytest.mark.parametrize(
    ("event", "args", "reasons"),
    [
        ("os.system", (b"python -E x.py",), ["it is started with -E"]),
        ("subprocess.Popen", ("/bin/sh", ["/bin/sh", "-c", "python3 -I x"], None, HOOKED),
         ["it is started with -I"]),
        ("subprocess.Popen", ("/bin/sh", ["/bin/sh", "-c"], None, HOOKED), []),
        ("subprocess.Popen", (None, ["python3", "x"], None, {}),
         ["its environment does not pass PYTHONPATH on"]),
        ("os.exec", ("/usr/bin/git", ["git", "-c", "python -I"], HOOKED), []),
        ("os.posix_spawn", ("/usr/bin/python3", ["python3", "x"], HOOKED), []),
        ("os.exec", ("python3", ["python3", "x"], {b"PYTHONPATH": b"/hook"}), []),
        ("os.exec", ("python3", ["python3", "-I"], os.environ), ["it is started with -I"]),
    ],
)  # fmt: skip
def test_gaps(monkeypatch, event, args, reasons):
    monkeypatch.setenv("PYTHONPATH", "/hook")
    journal = Journal()
    SpawnWatch("/hook", journal).handlers()[event](event, args)
    assert journal.gaps == reasons


def test_programs_in_other_languages_are_listed_once(tmp_path):
    for name, text in (
        ("native", "\x7fELF"),
        ("tool", "#!/usr/bin/env python3\n"),
        ("rb", "#!ruby"),
    ):
        (tmp_path / name).write_text(text)
    journal = Journal()
    watch = SpawnWatch("/hook", journal)
    environ = HOOKED | {"PATH": f"/nowhere:{tmp_path}"}
    for name in ("native", "tool", "rb", "missing", str(tmp_path / "native"), "native"):
        watch.check("subprocess.Popen", (name, [name, "-c", "x"], None, environ))
    assert journal.programs == ["native", "rb"]
    assert journal.gaps == []


@pytest.mark.parametrize(
    ("option", "environ", "reasons"),
    [
        ("-I", HOOKED, []),
        ("-I", {}, ["it is started with -I"]),
        ("-S", HOOKED, ["it is started with -S"]),
        ("-c", {"RECORDBAKE_HOOK": "/hook"}, []),
    ],
)
def test_an_environment_with_our_pth_has_no_gaps(tmp_path, option, environ, reasons):
    packages = tmp_path / "lib" / "python3.12" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "recordbake.pth").touch()
    journal = Journal()
    python = str(tmp_path / "bin" / "python")
    SpawnWatch("/hook", journal).check("os.posix_spawn", (python, ["python", option], environ))
    assert journal.gaps == reasons


def test_what_multiprocessing_starts_is_hooked_before_its_own_code():
    given = ["python", "-S", "-c", "from multiprocessing.spawn import spawn_main", "--fork"]
    made = hooked(given)
    assert made[:3] == given[:3]
    assert made[4:] == given[4:]
    assert made[3].endswith(given[3])
    assert "boot.start(late=True)" in made[3]
    assert hooked(["python", "x.py"]) == ["python", "x.py"]
