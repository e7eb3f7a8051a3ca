"""Recordings that the other tools made themselves: taken in, then replayed without their server."""

from __future__ import annotations

import json
import pickle
import sqlite3
import subprocess
import textwrap

import pytest

from tests.support.cli import alone, clean_environ, recordbake
from tests.support.environments import python_with
from tests.support.origin import TEXT, Origin

LOOPBACK = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
ASK = """
import os, sys, httpx, requests
u = os.environ["ORIGIN"]
def ask():
    for url in (u + "/gzip", u + "/text?b=1&a=2", u + "/chunked"):
        print(requests.get(url).text)
    print(requests.post(u + "/echo", json={"q": [1, 2]}).content)
    print(httpx.get(u + "/headers").headers.get_list("set-cookie"))
    print(requests.get(u + "/missing").status_code)
    print(requests.head(u + "/text").headers["ETag"])
"""
PACKAGES = ("vcrpy", "cassetter", "requests-cache>=1.2", "httpx", "requests", "pytest")
TOOLS = {
    "vcrpy": 'import vcr\nwith vcr.use_cassette("kept.yaml"): ask()',
    "vcrpy-decoded": """
import vcr
with vcr.use_cassette("kept.yaml", decode_compressed_response=True): ask()
""",
    "cassetter": 'import cassetter\nwith cassetter.use_cassette("kept.yaml"): ask()',
}


@pytest.fixture(scope="module")
def python():
    """A Python with the other tools, and nothing of ours."""
    return str(python_with(*PACKAGES))


@pytest.fixture
def program(tmp_path, python):
    def written(code, url):
        path = tmp_path / "asks.py"
        path.write_text(code)
        return [python, str(path)], {"ORIGIN": url}

    return written


@pytest.mark.parametrize("tool", TOOLS)
def test_a_cassette_replays(tmp_path, program, tool):
    with Origin() as origin:
        command, env = program(ASK + TOOLS[tool], origin.url)
        made = alone(command, tmp_path, env)
    taken = recordbake("import", "kept.yaml", cwd=tmp_path)
    assert taken.returncode == 0, taken.stderr
    assert "7 exchanges taken in" in taken.stdout
    again = recordbake("import", "kept.yaml", cwd=tmp_path)  # nothing changes
    assert again.returncode == 0
    assert "bad   recording" not in recordbake("doctor", cwd=tmp_path).stdout
    command, env = program(ASK + "ask()", origin.url)
    replayed = recordbake("replay", "--strict", "--", *command, cwd=tmp_path, env=LOOPBACK | env)
    assert replayed.returncode == 0, replayed.stderr
    expected = made
    if tool == "cassetter":  # it leaves Set-Cookie out
        expected = "\n".join(
            "[]" if "=" in line and line[0] == "[" else line for line in expected.split("\n")
        )
    assert replayed.stdout == expected


@pytest.mark.parametrize("serializer", ["pickle", "json"])
def test_a_requests_cache_database_replays(tmp_path, program, serializer):
    kept = f"""
import requests_cache
session = requests_cache.CachedSession("kept", backend="sqlite", serializer="{serializer}")
"""
    asks = """
import os, requests
u = os.environ["ORIGIN"]
for path in ("/gzip", "/text?a=2&b=1", "/redirect", "/medium"):
    answer = session.get(u + path)
    print(answer.status_code, len(answer.content), answer.url.removeprefix(u), len(answer.history))
"""
    with Origin() as origin:
        command, env = program(kept + asks, origin.url)
        made = alone(command, tmp_path, env)
    taken = recordbake("import", "kept.sqlite", cwd=tmp_path)
    assert taken.returncode == 0, taken.stderr
    command, env = program("import requests\nsession = requests.Session()\n" + asks, origin.url)
    replayed = recordbake("replay", "--strict", "--", *command, cwd=tmp_path, env=LOOPBACK | env)
    assert replayed.returncode == 0, replayed.stderr
    assert replayed.stdout == made


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return open, (str(tmp_path / "harm"), "w")

    with sqlite3.connect(tmp_path / "kept.sqlite") as connection:
        connection.execute("CREATE TABLE responses (key TEXT, value BLOB, expires INTEGER)")
        connection.execute("INSERT INTO responses VALUES ('k', ?, NULL)", (pickle.dumps(Evil()),))
    connection.close()
    taken = recordbake("import", "kept.sqlite", cwd=tmp_path)
    assert taken.returncode == 12
    assert "open, which is not loaded" in taken.stderr
    assert not (tmp_path / "harm").exists()
    assert not (tmp_path / ".recordbake" / "http_cache").exists()


def test_a_har_file_goes_out_and_comes_back(tmp_path, program):
    code = """
import os, requests
u = os.environ["ORIGIN"]
for path in ("/gzip", "/text?b=1&a=2", "/medium", "/headers"):
    answer = requests.get(u + path)
    print(answer.status_code, len(answer.content), dict(answer.cookies))
"""
    with Origin() as origin:
        command, env = program(code, origin.url)
        recorded = recordbake("record", "--", *command, cwd=tmp_path, env=LOOPBACK | env)
    exported = recordbake("export", "--har", "kept.har", cwd=tmp_path)
    assert exported.returncode == 0, exported.stderr
    entries = json.loads((tmp_path / "kept.har").read_bytes())["log"]["entries"]
    by_path = {e["request"]["url"].removeprefix(origin.url): e["response"] for e in entries}
    assert by_path["/text?b=1&a=2"]["content"]["text"] == TEXT.decode()
    assert by_path["/medium"]["content"]["encoding"] == "base64"
    taken = recordbake("import", "--recording", "other", "kept.har", cwd=tmp_path)
    assert taken.returncode == 0, taken.stderr
    replayed = recordbake(
        "replay",
        "--strict",
        "--recording",
        "other",
        "--",
        *command,
        cwd=tmp_path,
        env=LOOPBACK | env,
    )
    assert replayed.returncode == 0, replayed.stderr
    assert replayed.stdout == recorded.stdout


def test_cassettes_of_pytest_recording_belong_to_their_tests(tmp_path):
    """One URL, answered differently in two tests."""
    python = str(
        python_with("pytest-recording", "requests")
    )  # cassetter's plugin does not suffer it
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_it.py").write_text(
        textwrap.dedent("""
        import os, pytest, requests
        pytestmark = pytest.mark.vcr
        class TestIt:
            def test_first(self):
                assert requests.get(os.environ["ORIGIN"] + "/job").text == "queued"
        def test_second():
            assert requests.get(os.environ["ORIGIN"] + "/job").text == "running"
        """)
    )
    suite = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    with Origin() as origin:
        env = {"ORIGIN": origin.url}
        made = subprocess.run(
            [*suite, "--record-mode=once"], cwd=tmp_path, env=clean_environ(**env),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert made.returncode == 0, made.stdout
    taken = recordbake("import", "tests/cassettes", cwd=tmp_path)
    assert taken.returncode == 0, taken.stderr
    for selected in ([], ["tests/test_it.py::test_second"]):
        replayed = recordbake(
            "replay", "--strict", "--", *suite, "-p", "no:recording", "-W", "ignore", *selected,
            cwd=tmp_path, env=LOOPBACK | env,
        )  # fmt: skip
        assert replayed.returncode == 0, replayed.stdout + replayed.stderr


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "interactions: [{request: {method: GET}}]\nx: !!python/object:os.system {}"),
        ("a.yaml", "interactions: [{request: {uri: 'http://x/', method: GET}, response: {}}]"),
        ("a.yaml", "- just\n- a list"),
        ("a.yaml", "a: [b"),
        ("a.json", "{"),
        ("a.har", '{"log": {"entries": [{}]}}'),
        ("a.sqlite", "SQLite format 3\0 but not really"),
    ],
)
def test_what_is_none_is_refused_in_words(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    taken = recordbake("import", name, cwd=tmp_path)
    assert taken.returncode == 12
    assert "Traceback" not in taken.stderr
    assert f"where: {name}" in taken.stderr
    assert not (tmp_path / ".recordbake" / "http_cache").exists()


def test_nothing_to_import(tmp_path):
    assert recordbake("import", "nowhere.yaml", cwd=tmp_path).returncode == 2
    (tmp_path / "empty").mkdir()
    assert recordbake("import", "empty", cwd=tmp_path).returncode == 2
