"""What docs/how-to/pytest.md shows is what a real run prints."""

from __future__ import annotations

import re
import sys

from tests.support.cli import ROOT, recordbake
from tests.support.origin import Origin

PAGE = ROOT / "docs" / "how-to" / "pytest.md"
SUITE = """
import os
import urllib.request

ITEMS = "http://api.example.org/items?page="

def test_first_page():
    assert urllib.request.urlopen(ITEMS + "1").status == 200

def test_next_page():
    page = os.environ["PAGE"]
    try:
        urllib.request.urlopen(ITEMS + page)
    except OSError:
        pass  # "the network is not needed"
"""


def test_the_terminal_section_in_the_docs_is_a_real_one(tmp_path):
    (tmp_path / "test_items.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    with Origin() as origin:  # as a proxy, it answers for any host
        env = {"PAGE": "1", "http_proxy": origin.url}
        recorded = recordbake("record", "--", *command, cwd=tmp_path, env=env)
        assert recorded.returncode == 0, recorded.stderr
    result = recordbake(
        "replay", "--strict", "--strict-tests", "--", *command, cwd=tmp_path, env={"PAGE": "2"}
    )
    shown = re.sub(r" in \d+\.\d+s", " in 0.12s", result.stdout).replace(sys.executable, "python")
    shown = re.sub(r"barrier: \w+", "barrier: seccomp", shown)
    block = re.search(r"made by tests/process/test_pytest_docs.py -->\n```console\n(.*?)```",
                      PAGE.read_text(), re.DOTALL)  # fmt: skip
    command_line = "$ recordbake replay --strict --strict-tests -- python -m pytest -q\n"
    assert block.group(1) == command_line + shown.replace(" -p no:cacheprovider", "")
