"""A user's mistake is told in words: what, where, what next and a page; never by a traceback."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from recordbake.bake import bake
from tests.support.bakes import make_sample
from tests.support.cli import recordbake

COMMAND = ["--", sys.executable, "-c", "pass"]
#: Words -> exit code and a word of the message. In the directory: a recording ``rec``, a bake
#: ``good``, a file ``file``, an empty directory ``empty``, a bake of another format ``newer``, one
#: that is cut off ``torn``, and a directory that nobody may read ``closed``.
MISTAKES = [
    ("record", 2, "no command"),
    ("record --", 2, "no command"),
    ("record -- no-such-program", 2, "no such program"),
    ("record -- ./file", 2, "no such program"),
    ("record --recording file -- true", 12, "file"),
    ("record --retry-statuses x -- true", 2, "not a value"),
    ("record --retry-max-wait soon -- true", 2, "not a value"),
    ("record --capture-ports 80,http -- true", 2, "not a value"),
    ("record --from-audit none.json -- true", 2, "cannot be read"),
    ("record --from-audit file -- true", 2, "not JSON"),
    ("record --from-audit empty -- true", 2, "cannot be read"),
    ("replay --recording none -- true", 12, "no store"),
    ("replay --recording empty -- true", 12, "no store"),
    ("replay --recording file -- true", 12, "no store"),
    ("replay --strict --isolation jail --recording rec -- true", 2, "not a value"),
    ("replay --hub-cache hot --recording rec -- true", 2, "not a value"),
    ("replay --recording rec", 2, "no command"),
    ("bake --recording none", 12, "no store"),
    ("bake --recording rec --out file", 12, "file"),
    ("bake --recording rec --base x.tar", 2, "--oci"),
    ("bake --recording rec --since many", 2, "since"),
    ("bake --recording rec --since 0", 2, "since"),
    ("bake --recording rec --oci x.tar --base none.tar --out o", 12, "none.tar"),
    ("bake --recording rec --oci x.tar --base file --out o", 12, "file"),
    ("verify none", 12, "no bake"),
    ("verify file", 12, "no bake"),
    ("verify empty", 12, "no bake"),
    ("verify rec", 12, "no bake"),
    ("verify newer", 12, "format 99"),
    ("verify torn", 12, "archive"),
    ("unpack none --to to", 12, "no bake"),
    ("unpack good --to file", 2, "something else"),
    ("unpack good --to rec", 2, "something else"),
    ("unpack torn --to to", 12, "archive"),
    ("unpack good", 2, "--to"),
    ("audit --recording none", 12, "no recording"),
    ("audit --recording rec --format pdf", 2, "no format"),
    ("audit --recording rec --fail-on everything", 2, "no kind"),
    ("audit --recording rec --stale-after-days old", 2, "not a value"),
    ("audit --recording rec --revalidate-rate 0 --revalidate", 2, "rate"),
    ("audit --recording rec --out file", 2, "cannot be written"),
    ("audit --recording rec --compare none", 12, "compare"),
    ("audit none", 12, "no recording"),
    ("audit nowhere://x/y", 2, "nowhere"),
    ("merge --into new", 2, "RECORDING"),
    ("merge none --into new", 12, "no store"),
    ("merge rec file --into new", 12, "no store"),
    ("merge rec --into rec", 2, "holds something"),
    ("push none file:///x", 12, "no bake"),
    ("push good nowhere://x", 2, "nowhere"),
    ("push good oci://x", 2, "repository"),
    ("pull nowhere://x --to to", 2, "nowhere"),
    ("pull file://{here}/none --to to", 12, "no bake"),
    ("pull file://{here}/newer --to to", 12, "format 99"),
    ("pull file://{here}/good --to file", 12, "file"),
    ("show --recording none", 12, "no store"),
    ("show --recording rec http://nothing.example/", 2, "no recorded URL"),
    ("show --recording rec --test nothing", 2, "nothing was recorded"),
    ("show --recording torn", 12, "archive"),
    ("doctor --isolation jail", 2, "not a value"),
    ("hook install --python none", 2, "none"),
    ("hook install --python file", 2, "file"),
    ("hook remove", 2, "invalid choice"),
    ("shwo", 2, "did you mean show"),
    ("", 2, "required"),
    ("--no-such-flag show", 2, "no-such-flag"),
]  # fmt: skip
TABLES = [
    ("[tool.recordbake\n", "not valid TOML"),
    ('[tool.recordbake]\nrecordign = "x"\n', "did you mean recording"),
    ("[tool.recordbake]\nrecording = 3\n", "recording takes"),
    ('[tool]\nrecordbake = "x"\n', "recordbake"),
    ('[tool.recordbake]\nisolation = "jail"\n', "choose one of"),
    ("[tool.recordbake]\nignore_hosts = [1]\n", "ignore_hosts takes"),
    ("\xff\xfe", "TOML"),
]  # fmt: skip


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    path = tmp_path_factory.mktemp("mistakes")
    (path / "pyproject.toml").touch()
    recording = make_sample(path / "made")
    bake(recording, path / "good")
    shutil.rmtree(recording.runs_dir)
    recording.path.rename(path / "rec")
    (path / "file").write_text("not what is wanted\n")
    (path / "empty").mkdir()
    for name in ("newer", "torn"):
        shutil.copytree(path / "good", path / name)
    manifest = path / "newer" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"v": 1', '"v": 99'))
    os.truncate(path / "torn" / "http_cache.tgz", 100)
    return path


def told(done, code, word):
    said = done.stderr
    assert done.returncode == code, said
    assert "Traceback" not in said
    assert word in said + done.stdout
    if "usage:" not in said:  # argparse has a form of its own
        for mark in ("recordbake: error: ", "\n  where: ", "\n  next:  ", "\n  more:  "):
            assert mark in said


@pytest.mark.parametrize(("words", "code", "word"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_a_mistake(here, words, code, word):
    given = [word.replace("{here}", str(here)) for word in words.split()]
    told(recordbake(*given, cwd=here), code, word)


@pytest.mark.parametrize(("text", "word"), TABLES)
def test_a_wrong_table(tmp_path, text, word):
    (tmp_path / "pyproject.toml").write_bytes(text.encode("latin-1"))
    told(recordbake("show", cwd=tmp_path), 2, word)


@pytest.mark.parametrize(
    ("name", "value"),
    [("RETRY_MAX_WAIT", "soon"), ("ISOLATION", "jail"), ("CAPTURE_LOOPBACK", "maybe")],
)
def test_a_wrong_variable(tmp_path, name, value):
    done = recordbake("config", cwd=tmp_path, env={f"RECORDBAKE_{name}": value})
    told(done, 2, f"RECORDBAKE_{name}")


def test_a_wrong_variable_of_an_image(tmp_path):
    done = recordbake("show", cwd=tmp_path, env={"HTTP_CACHE_DIR": "/nowhere"})
    told(done, 2, "HTTP_CACHE_DIR")


@pytest.mark.parametrize("words", [["--debug", "verify", "none"], ["verify", "none", "--debug"]])
def test_debug_shows_the_traceback(tmp_path, words):
    done = recordbake(*words, cwd=tmp_path)
    assert done.returncode == 12
    assert "Traceback" in done.stderr
    assert "no bake" in done.stderr
