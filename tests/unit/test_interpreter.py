"""Which Python a command starts, told from its name or its first line."""

from __future__ import annotations

import pytest

from recordbake.errors import UsageError
from recordbake.interpreter import examine, interpreter_of, resolve


def script(tmp_path, text):
    path = tmp_path / "tool"
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def test_python_by_name_with_its_own_options():
    found = interpreter_of("/usr/bin/python3.12", ["-X", "dev", "-I", "-m", "x", "-E"], None)
    assert found == ["/usr/bin/python3.12", "-X", "dev", "-I"]


@pytest.mark.parametrize(
    ("first_lines", "expected"),
    [
        ("#!/opt/venv/bin/python\nimport x", ["/opt/venv/bin/python"]),
        ("#!/opt/venv/bin/python3 -s\n", ["/opt/venv/bin/python3", "-s"]),
        ('#!/bin/sh\n\'\'\'exec\' "/a long/path/python" "$0" "$@"\n', ["/a long/path/python"]),
        ("#!/bin/sh\n'''exec' /a/python \"$0\" \"$@\"\n", ["/a/python"]),
        ("#!/usr/bin/env -S no-such-python3\n", None),
        ("#!/bin/sh\necho", None),
        ("\x7fELF", None),
        ("", None),
    ],
)
def test_shebangs(tmp_path, first_lines, expected):
    assert interpreter_of(script(tmp_path, first_lines), [], "/nowhere") == expected


def test_env_is_looked_up_on_the_path(tmp_path):
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    tool = script(tmp_path, "#!/usr/bin/env python3\n")
    assert interpreter_of(tool, [], str(tmp_path)) == [str(python)]


def test_an_interpreter_that_does_not_start(tmp_path):
    broken = tmp_path / "python3"
    broken.write_text("#!/bin/sh\necho broken >&2; exit 3\n")
    broken.chmod(0o755)
    found = examine(str(broken), [], {"PATH": ""})
    assert found.hooked is False
    assert "broken" in found.reason
    broken.write_text("#!/no/such/interpreter\n")
    assert examine(str(broken), [], {"PATH": ""}).hooked is False


def test_no_command_and_no_program():
    with pytest.raises(UsageError, match="no command"):
        resolve([], None)
    with pytest.raises(UsageError, match="no-such-thing"):
        resolve(["no-such-thing"], "/nowhere")
