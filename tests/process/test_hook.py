"""What is hooked, what cannot be, and that a hooked process does not notice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.cli import ROOT, clean_environ, recordbake
from tests.support.origin import Origin

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
FETCH = "import urllib.request; print(urllib.request.urlopen('{}').read().decode(), end='')"


def journal(where, run="*"):
    lines = []
    for path in sorted(where.glob(f".recordbake/runs/{run}/http_log.ndjson")):
        lines += [json.loads(line) for line in path.read_text().splitlines()]
    return lines


def outcomes(where, run="*"):
    return [e["outcome"] for e in journal(where, run) if e["event"] == "request"]


@pytest.fixture
def origin():
    with Origin() as server:
        yield server


def record_then_replay(where, origin, command, env=None):
    """Record, stop the server, replay strictly; returns both results."""
    env = CAPTURE | (env or {})
    recorded = recordbake("record", "--", *command, cwd=where, env=env)
    assert recorded.returncode == 0, recorded.stderr
    origin.close()
    asked = len(origin.requests)
    replayed = recordbake("replay", "--strict", "--", *command, cwd=where, env=env)
    assert len(origin.requests) == asked
    return recorded, replayed


def test_nothing_is_added_to_standard_output(tmp_path, origin):
    command = [sys.executable, "-c", FETCH.format(origin.url + "/a")]
    recorded, replayed = record_then_replay(tmp_path, origin, command)
    assert recorded.stdout == replayed.stdout == "/a"
    assert replayed.returncode == 0


def test_shell_script_that_starts_pythons(tmp_path, origin):
    script = tmp_path / "suite.sh"
    one, two = (FETCH.format(f"{origin.url}/{name}") for name in "ab")
    script.write_text(f'{sys.executable} -c "{one}" && {sys.executable} -c "{two}"\n')
    _, replayed = record_then_replay(tmp_path, origin, ["sh", str(script)])
    assert (replayed.stdout, replayed.returncode) == ("/a/b", 0)
    assert outcomes(tmp_path, "*strict*") == ["hit", "hit"]


def test_interpreter_of_another_environment_with_nothing_of_ours(tmp_path, origin):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    command = [python, "-c", FETCH.format(origin.url + "/a")]
    _, replayed = record_then_replay(tmp_path, origin, command)
    assert (replayed.stdout, replayed.returncode) == ("/a", 0)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(tmp_path, origin, method):
    script = tmp_path / "many.py"
    script.write_text(
        textwrap.dedent(f"""
        import multiprocessing, urllib.request
        def fetch(name):
            return urllib.request.urlopen("{origin.url}/" + name).read().decode()
        if __name__ == "__main__":
            fetch("parent")
            with multiprocessing.get_context("{method}").Pool(3) as pool:
                print(*pool.map(fetch, "abcdef"), end="")
        """)
    )
    _, replayed = record_then_replay(tmp_path, origin, [sys.executable, script])
    assert (replayed.stdout, replayed.returncode) == ("/a /b /c /d /e /f", 0), replayed.stderr
    assert outcomes(tmp_path, "*strict*") == ["hit"] * 7


def test_existing_sitecustomize_still_runs_and_we_leave_no_trace(tmp_path, origin):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "sitecustomize.py").write_text("import os; os.environ['THEIRS'] = 'ran'")
    code = (
        "import os, sys; import sitecustomize;"
        "print(os.environ['THEIRS'], sitecustomize.__file__, [p for p in sys.path if 'hook' in p])"
    )
    path = {"PYTHONPATH": str(theirs)}
    result = recordbake("record", "--", sys.executable, "-c", code, cwd=tmp_path, env=path)
    assert result.stdout == f"ran {theirs / 'sitecustomize.py'} []\n", result.stderr


def test_isolated_interpreter_is_refused_in_strict_mode_before_it_starts(tmp_path, origin):
    command = [sys.executable, "-c", FETCH.format(origin.url + "/a")]
    recordbake("record", "--", *command, cwd=tmp_path, env=CAPTURE)
    started = tmp_path / "started"
    isolated = [sys.executable, "-I", "-c", f"open({str(started)!r}, 'w')"]
    result = recordbake("replay", "--strict", "--", *isolated, cwd=tmp_path, env=CAPTURE)
    assert result.returncode == 2
    assert "cannot be hooked" in result.stderr
    assert "Traceback" not in result.stderr
    assert not started.exists()
    assert not list(tmp_path.glob(".recordbake/runs/*strict*"))


def test_isolated_interpreter_is_a_reported_gap_while_recording(tmp_path, origin):
    result = recordbake("record", "--", sys.executable, "-I", "-c", "pass", cwd=tmp_path)
    assert result.returncode == 0
    assert "cannot be hooked" in result.stderr
    assert [e["reason"] for e in journal(tmp_path) if e["event"] == "gap"]


@pytest.mark.parametrize("mode", ["record", "strict"])
def test_unsupported_python_in_a_script(tmp_path, origin, mode):
    """Nobody can tell beforehand what a shell script starts; the guest itself says so."""
    old = shutil.which("python3.9") or shutil.which("python3.8") or shutil.which("python2.7")
    works = old and subprocess.run([old, "-c", ""], capture_output=True, check=False)
    if not works or works.returncode:
        pytest.skip("there is no Python here that recordbake does not support")
    new = f'{sys.executable} -c "{FETCH.format(origin.url + "/a")}"'
    recordbake("record", "--", "sh", "-c", new, cwd=tmp_path, env=CAPTURE)
    arguments = ["record"] if mode == "record" else ["replay", "--strict"]
    result = recordbake(
        *arguments, "--", "sh", "-c", f"{old} -c 'print(1)'; {new}", cwd=tmp_path, env=CAPTURE
    )
    assert [e["python"][:1] for e in journal(tmp_path) if e["event"] == "gap"]
    assert result.stdout == ("1\n/a" if mode == "record" else "/a")
    assert result.returncode == (0 if mode == "record" else 10)
    assert "not hooked" in result.stderr


def test_a_strict_run_without_any_hooked_process_is_not_green(tmp_path, origin):
    recordbake(
        "record", "--", sys.executable, "-c", FETCH.format(origin.url), cwd=tmp_path, env=CAPTURE
    )
    result = recordbake("replay", "--strict", "--", "true", cwd=tmp_path)
    assert result.returncode == 10
    assert "no hooked Python process" in result.stderr


def test_the_command_keeps_its_exit_code(tmp_path):
    result = recordbake("record", "--", sys.executable, "-c", "raise SystemExit(7)", cwd=tmp_path)
    assert result.returncode == 7


def test_a_process_that_is_killed_loses_nothing_it_reported(tmp_path, origin):
    code = FETCH.format(origin.url + "/a") + "; import os; os.kill(os.getpid(), 9)"
    result = recordbake("record", "--", sys.executable, "-c", code, cwd=tmp_path, env=CAPTURE)
    assert result.returncode == 128 + 9
    origin.close()
    again = [sys.executable, "-c", FETCH.format(origin.url + "/a")]
    replayed = recordbake("replay", "--strict", "--", *again, cwd=tmp_path, env=CAPTURE)
    assert (replayed.stdout, replayed.returncode) == ("/a", 0)


def test_the_surroundings_caches_are_not_used(tmp_path, origin):
    code = "import os; print(os.environ['HF_HOME'], os.environ.get('HF_HUB_OFFLINE'))"
    env = {"HF_HOME": "/nowhere/home", "HF_HUB_OFFLINE": "1"}
    result = recordbake("record", "--", sys.executable, "-c", code, cwd=tmp_path, env=env)
    home, offline = result.stdout.split()
    assert home.startswith(str(tmp_path / ".recordbake"))
    assert offline == "None"
    assert "HF_HUB_OFFLINE is not passed on" in result.stderr


def test_threads_and_tasks_at_once(tmp_path, origin):
    script = tmp_path / "many.py"
    script.write_text(
        textwrap.dedent(f"""
        import asyncio, concurrent.futures, urllib.request, httpx
        def fetch(n):
            return urllib.request.urlopen("{origin.url}/t%d" % n).read().decode()
        async def tasks():
            async with httpx.AsyncClient() as client:
                found = await asyncio.gather(*(client.get("{origin.url}/a%d" % n)
                                               for n in range(50)))
            return [r.text for r in found]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            assert list(pool.map(fetch, range(100))) == ["/t%d" % n for n in range(100)]
        assert asyncio.run(tasks()) == ["/a%d" % n for n in range(50)]
        """)
    )
    _, replayed = record_then_replay(tmp_path, origin, [sys.executable, script])
    assert replayed.returncode == 0, replayed.stderr
    assert outcomes(tmp_path, "*strict*") == ["hit"] * 150


def test_hooked_process_imports_only_the_standard_library():
    """The guest as it is copied to the hook directory, in an interpreter without site-packages."""
    code = (
        "import sys, pkgutil, importlib; sys.path.insert(0, sys.argv[1]);"
        "import guest; names = [m.name for m in pkgutil.walk_packages(guest.__path__, 'guest.')];"
        "[importlib.import_module(n) for n in names if not n.endswith('_sitecustomize')];"
        "print(len(names))"
    )
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(ROOT / "recordbake")],
        capture_output=True, text=True, env=clean_environ(), check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 15


def test_a_strict_replay_needs_no_dependencies(tmp_path, origin):
    command = [sys.executable, "-c", FETCH.format(origin.url + "/a")]
    assert recordbake("record", "--", *command, cwd=tmp_path, env=CAPTURE).returncode == 0
    origin.close()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    bare = [tmp_path / "venv" / "bin" / "python", "-m", "recordbake", "replay", "--strict", "--"]
    result = subprocess.run(
        [*bare, *command], cwd=tmp_path, env=clean_environ(PYTHONPATH=str(ROOT), **CAPTURE),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (result.stdout, result.returncode) == ("/a", 0), result.stderr


def test_a_command_keeps_dashes_of_its_own(tmp_path):
    code = "import sys; print(sys.argv[1:])"
    command = [sys.executable, "-c", code, "--", "-x", "--"]
    assert recordbake("record", "--", *command, cwd=tmp_path).stdout == "['--', '-x', '--']\n"


def test_a_process_whose_hook_fails_does_not_go_live_in_strict_mode(tmp_path, origin):
    command = [sys.executable, "-c", FETCH.format(origin.url + "/a")]
    recordbake("record", "--", *command, cwd=tmp_path, env=CAPTURE)
    # The journal cannot be written any more once the first process has taken its directory away.
    code = (
        "import glob, shutil, subprocess, sys;"
        "[shutil.rmtree(p) for p in glob.glob('.recordbake/runs/*strict*/shards')];"
        "print(subprocess.run([sys.executable, '-c', 'print(1)']).returncode)"
    )
    result = recordbake("replay", "--strict", "--", sys.executable, "-c", code, cwd=tmp_path)
    assert result.stdout == "2\n"
    assert "is not hooked" in result.stderr


def test_unix_sockets_are_none_of_our_business(tmp_path, origin):
    code = textwrap.dedent("""
        import http.server, socketserver, threading, httpx
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200); self.end_headers(); self.wfile.write(b"local")
            def address_string(self): return ""
            def log_message(self, *a): pass
        server = socketserver.UnixStreamServer("s.sock", Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = httpx.Client(transport=httpx.HTTPTransport(uds="s.sock"))
        print(client.get("http://docker.example/").text)
        """)
    recordbake("record", "--", sys.executable, "-c", FETCH.format(origin.url), cwd=tmp_path,
               env=CAPTURE)  # fmt: skip
    result = recordbake("replay", "--strict", "--", sys.executable, "-c", code, cwd=tmp_path)
    assert (result.stdout, result.returncode) == ("local\n", 0), result.stderr


@pytest.mark.parametrize(("sent", "to_group"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_an_interrupted_run_is_merged_all_the_same(tmp_path, origin, sent, to_group):
    code = FETCH.format(origin.url + "/a") + "; print(flush=True); import time; time.sleep(60)"
    process = subprocess.Popen(
        [sys.executable, "-m", "recordbake", "record", "--", sys.executable, "-c", code],
        cwd=tmp_path, env=clean_environ(**CAPTURE), stdout=subprocess.PIPE, text=True,
        stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdout.readline() == "/a\n"
    if to_group:  # as a terminal does for Ctrl-C
        os.killpg(process.pid, sent)
    else:
        process.send_signal(sent)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + sent
    assert "1 requests (1 stored)" in stderr
    assert outcomes(tmp_path) == ["stored"]


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_multiprocessing_hooks_its_children_without_our_path(tmp_path, origin, method):
    script = tmp_path / "many.py"
    script.write_text(
        textwrap.dedent(f"""
        import multiprocessing, os, sys, urllib.request
        def fetch(name):
            assert not [p for p in sys.path if p.endswith("/hook")], sys.path
            return urllib.request.urlopen("{origin.url}/" + name).read().decode()
        if __name__ == "__main__":
            del os.environ["PYTHONPATH"], os.environ["RECORDBAKE_HOOK"]
            with multiprocessing.get_context("{method}").Pool(2) as pool:
                print(*pool.map(fetch, "ab"), end="")
        """)
    )
    _, replayed = record_then_replay(tmp_path, origin, [sys.executable, script])
    assert (replayed.stdout, replayed.returncode) == ("/a /b", 0), replayed.stderr
    assert outcomes(tmp_path, "*strict*") == ["hit"] * 2


def test_a_pth_hooks_what_ignores_our_path(tmp_path, origin):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"

    def hook(what):
        return recordbake("hook", what, "--python", python, cwd=tmp_path)

    for _ in range(2):
        assert hook("install").returncode == 0
    path = hook("install").stdout.strip()
    assert path.endswith("site-packages/recordbake.pth")
    plain = subprocess.run(
        [python, "-c", "import sys; print('_recordbake_guest' in sys.modules)"],
        env=clean_environ(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (plain.stdout, plain.stderr) == ("False\n", "")

    code = FETCH.format(origin.url + "/a")
    inner = f"import subprocess, sys; subprocess.run([sys.executable, '-I', '-c', {code!r}])"
    env = {"RECORDBAKE_ISOLATION": "process"}
    recorded, replayed = record_then_replay(tmp_path, origin, [python, "-c", inner], env)
    assert (recorded.stdout, replayed.stdout) == ("/a", "/a")
    assert replayed.returncode == 0, replayed.stderr
    # the command itself, too
    code = FETCH.format(origin.url + "/a")
    result = recordbake("replay", "--strict", "--", python, "-E", "-c", code, cwd=tmp_path,
                        env=CAPTURE)  # fmt: skip
    assert (result.stdout, result.returncode) == ("/a", 0), result.stderr

    assert hook("uninstall").returncode == 0
    assert not Path(path).exists()
    refused = recordbake("hook", "install", "--python", "no-such-python", cwd=tmp_path)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


REIMPORTED = """
import importlib, sys, asyncio
import {client}
del sys.modules["{client}"]
import {client}
importlib.reload({client})
{code}
"""
AGAIN = {
    "httpx": "print({client}.get('{url}').text)",
    "httpx2": "print({client}.get('{url}').text)",
    "aiohttp": """
async def main():
    async with aiohttp.ClientSession() as session, session.get('{url}') as answer:
        print(await answer.text())
asyncio.run(main())
""",
}


@pytest.mark.parametrize("client", AGAIN)
def test_a_package_that_is_imported_again_is_patched_once(tmp_path, origin, client):
    code = REIMPORTED.replace("{code}", AGAIN[client]).replace("{client}", client)
    command = [sys.executable, "-c", code.replace("{url}", origin.url + "/a")]
    result = recordbake("record", "--", *command, cwd=tmp_path, env=CAPTURE)
    assert result.stdout == "/a\n", result.stderr
    assert "1 requests (1 stored)" in result.stderr
