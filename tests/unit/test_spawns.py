"""Which started processes are Pythons that leave the hook behind."""

from __future__ import annotations

import pytest

from recordbake.guest.spawns import ignores_hook, is_python


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
