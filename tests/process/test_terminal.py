"""What recordbake shows on a real terminal, and that the suite's own output stays as it is."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.cli import recordbake
from tests.support.origin import Origin
from tests.support.terminal import Terminal

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
RECORDBAKE = [sys.executable, "-m", "recordbake"]
PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"]
TITLE = re.compile(r"\x1b\]2;([^\x07]*)\x07")
STACK = re.compile(r"\x1b\[2[23];2t")


@pytest.fixture
def suite(tmp_path):
    """A suite that waits in its test until the file ``go`` is there."""
    with Origin() as origin:
        (tmp_path / "test_suite.py").write_text(textwrap.dedent(f"""
            import os, time, urllib.request
            def test_waits():
                assert urllib.request.urlopen("{origin.url}/one").read() == b"/one"
                while "WAIT" in os.environ and not os.path.exists("go"):
                    time.sleep(0.02)
            """))  # fmt: skip
        yield tmp_path


def test_the_title_shows_requests_and_the_test_and_nothing_else_changes(suite):
    shown = Terminal([*RECORDBAKE, "record", "--", *PYTEST], suite, CAPTURE | {"WAIT": "1"})
    shown.read_until(r"\x1b\]2;recordbake record: 1 requests, 0\.0 MB, 0 hits - "
                     r"test_suite\.py::test_waits\x07")  # fmt: skip
    (suite / "go").touch()
    code, text = shown.finish()
    assert code == 0, text
    assert [STACK.search(text).group(), STACK.findall(text)[-1]] == ["\x1b[22;2t", "\x1b[23;2t"]
    (suite / "go").unlink()
    plain = Terminal([*RECORDBAKE, "record", "--progress", "none", "--", *PYTEST], suite, CAPTURE)
    assert own_output(TITLE.sub("", STACK.sub("", text))) == own_output(plain.finish()[1])


def own_output(text):
    """What comes before recordbake's summary, without times."""
    return re.sub(r"\d+\.\d+s|\d+ ms|:\d{4,}", "", text.partition("recordbake: ")[0])


def test_a_line_where_the_suites_output_goes_to_a_file(suite):
    with (suite / "out").open("w") as out:
        shown = Terminal(
            [*RECORDBAKE, "record", "--", *PYTEST], suite, CAPTURE | {"WAIT": "1"}, stdout=out
        )
        shown.read_until(r"record: 1 requests.*test_waits")
        (suite / "go").touch()
        assert shown.finish()[0] == 0
    assert not TITLE.search(shown.text)
    assert "\x1b" not in (suite / "out").read_text()


@pytest.mark.parametrize(
    ("flags", "env"), [(["--quiet"], {}), ([], {"TERM": "dumb"}), (["--progress", "none"], {})]
)
def test_no_progress_where_none_is_wanted(suite, flags, env):
    """It would be shown twice a second; the run waits until it could have been."""
    command = [*RECORDBAKE, "record", *flags, "--", "sh", "-c", "sleep 1.2; " + " ".join(PYTEST)]
    code, text = Terminal(command, suite, CAPTURE | env).finish()
    assert code == 0
    assert not TITLE.search(text)
    assert "1 passed" in text
    own = text.rpartition("recordbake: ")[2]
    assert ("exit 0" in own) == ("--quiet" not in flags)
    assert ("\x1b[32mexit 0" in own) == (flags == ["--progress", "none"])


def test_quiet_says_what_failed(suite):
    result = recordbake("replay", "--strict", "-q", "--", *PYTEST, cwd=suite, env=CAPTURE)
    assert result.returncode == 12
    assert result.stderr.startswith("recordbake: error: ")
    recordbake("record", "-q", "--", sys.executable, "-c", "import urllib.request", cwd=suite)
    env = CAPTURE | {"RECORDBAKE_QUIET": "1"}
    result = recordbake("replay", "--strict", "--", *PYTEST, cwd=suite, env=env)
    assert result.returncode == 10
    first, *_, last = result.stderr.splitlines()
    assert first.startswith("recordbake: recordbake blocked GET http://localhost:")
    assert last.startswith("recordbake: exit 10")


def test_colours_in_ci_where_they_are_forced(tmp_path):
    forced = {"NO_COLOR": "", "FORCE_COLOR": "1"}
    assert "\x1b[1;31m" in recordbake("show", cwd=tmp_path, env=forced).stderr
    assert "\x1b" not in recordbake("show", cwd=tmp_path, env={"FORCE_COLOR": "1"}).stderr
    assert "\x1b" not in recordbake("show", cwd=tmp_path, env={"NO_COLOR": ""}).stderr


def test_a_runs_summary_as_json(suite):
    result = recordbake("record", "--json", "-", "--", *PYTEST, cwd=suite, env=CAPTURE)
    own, _, document = result.stdout.partition("{")
    assert "1 passed" in own
    found = json.loads("{" + document)
    assert (found["mode"], found["exit_code"], found["counts"]["stored"]) == ("record", 0, 1)
    (suite / "test_suite.py").write_text(
        (suite / "test_suite.py").read_text().replace("/one", "/x")
    )
    recordbake(
        "replay", "--strict", "--json", "run.json", "--", *PYTEST, cwd=suite, env=CAPTURE
    )  # fmt: skip
    found = json.loads((suite / "run.json").read_text())
    assert found["exit_code"] == 10
    assert found["misses"][0]["url"].endswith("/x")
    assert Path(found["journal"]).is_file()


BAR = """
import time
from recordbake import progress
progress._DELAY = 0
with progress.progress("baking", 1000, progress.{unit}) as advance:
    for _ in range(10):
        time.sleep(0.02)
        advance(100)
"""


@pytest.mark.parametrize(("unit", "says"), [("BYTES", "1.0/1.0 kB"), ("ENTRIES", "1000/1000")])
def test_a_bar_on_a_terminal_that_is_gone_at_the_end(tmp_path, unit, says):
    command = [sys.executable, "-c", BAR.format(unit=unit)]
    code, text = Terminal(command, tmp_path).finish()
    assert code == 0, text
    assert says in text
    assert text.endswith("\x1b[2K")  # the line is erased
    with (tmp_path / "err").open("w") as err:
        Terminal(["sh", "-c", f"{sys.executable} -c '{BAR.format(unit=unit)}' 2>&1"],
                 tmp_path, stdout=err).finish()  # fmt: skip
    assert (tmp_path / "err").read_text() == ""


SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(recordbake completion bash)"'),
    "zsh": (["zsh", "-f", "-i"],
            'autoload -U compinit; compinit -u -D; eval "$(recordbake completion zsh)"'),
    "fish": (["fish", "--no-config", "-i"], "recordbake completion fish | source"),
}  # fmt: skip
COMPLETED = {
    "recordbake rep": "lay ",
    "recordbake replay --isol": "ation ",
    "recordbake replay --isolation name": "space ",
    "recordbake show --test test_s": "uite.py::test_waits",
}
_KILL_LINE = "\x15"


@pytest.mark.parametrize("shell", SHELLS)
def test_words_are_completed(suite, shell):
    command, setup = SHELLS[shell]
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here")
    recordbake("record", "--", *PYTEST, cwd=suite, env=CAPTURE)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {"PATH": path, "HOME": str(suite), "PS1": "$ "}
    terminal = Terminal(command, suite, env)
    try:
        terminal.type(f"{setup}; echo rea''dy\n")
        terminal.read_until("ready")
        for typed, completed in COMPLETED.items():
            terminal.text = ""
            terminal.type(f"{typed}\t")
            terminal.read_until(re.escape(completed.rstrip()))
            terminal.type(_KILL_LINE)
    finally:
        terminal.end()
