"""Each option once, in three places, with a clear order."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

from recordbake import settings
from recordbake.errors import UsageError
from recordbake.settings import table as tables
from recordbake.settings.schema import schema
from recordbake.settings.table import line_of
from tests.support.cli import ROOT, recordbake


def load(tmp_path, table="", environ=None, flags=None):
    (tmp_path / "pyproject.toml").write_text(f"[tool.recordbake]\n{table}")
    return settings.load(flags or {}, environ or {}, tmp_path)


def test_flags_win_over_variables_over_the_table_over_the_default(tmp_path):
    assert load(tmp_path).stale_after_days == 30
    table = "stale_after_days = 1"
    environ = {"RECORDBAKE_STALE_AFTER_DAYS": "2"}
    assert load(tmp_path, table).stale_after_days == 1
    assert load(tmp_path, table, environ).stale_after_days == 2
    assert load(tmp_path, table, environ, {"stale_after_days": 3.0}).stale_after_days == 3


def test_types(tmp_path):
    found = load(
        tmp_path,
        'command = "pytest -q \'a b\'"\nignore-hosts = ["x"]\nrecording = "rec"',
        {"RECORDBAKE_CAPTURE_LOOPBACK": "1", "RECORDBAKE_RETRY_STATUSES": "429, 503"},
    )
    assert found.command == ["pytest", "-q", "a b"]
    assert (found.ignore_hosts, found.retry_statuses) == (["x"], [429, 503])
    assert found.capture_loopback is True
    assert found.recording_path == tmp_path / "rec"


def test_paths_in_the_table_are_relative_to_the_project(tmp_path):
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[tool.recordbake]\nrecording = "rec"')
    assert settings.load({}, {}, below).recording_path == tmp_path / "rec"
    assert settings.load({"recording": Path("own")}, {}, below).recording_path == below / "own"


@pytest.mark.parametrize(
    ("table", "environ", "says"),
    [
        ("retry_max_wiat = 1", {}, "did you mean retry_max_wait?"),
        ('retry_max_wait = "1"', {}, "retry_max_wait takes float"),
        ("capture_loopback = 1", {}, "capture_loopback takes bool"),
        ('capture_ports = ["http"]', {}, "capture_ports takes list[int]"),
        ("ignore_hosts = [1]", {}, "ignore_hosts takes list[str]"),
        ("", {"RECORDBAKE_CAPTURE_PORTS": "http"}, "capture_ports"),
        ("stale_after_days = true", {}, "stale_after_days takes float"),
        ('hub_cache = "hot"', {}, "choose one of: warm, cold"),
        ("", {"RECORDBAKE_RETRY_MAX_WAIT": "soon"}, "RECORDBAKE_RETRY_MAX_WAIT"),
        ("", {"RECORDBAKE_CAPTURE_LOOPBACK": "maybe"}, "capture_loopback"),
        ("= 1", {}, "not valid TOML"),
    ],
)
def test_what_does_not_fit_says_where_and_what_to_do(tmp_path, table, environ, says):
    with pytest.raises(UsageError) as raised:
        load(tmp_path, table, environ)
    assert says in str(raised.value)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("table", "where", "says"),
    [
        ("quiet = true\nretry_max_wiat = 1", "pyproject.toml:3", "did you mean retry_max_wait?"),
        ("[tool.recordbake.isolaton]\nx = 1", "pyproject.toml", "did you mean isolation?"),
        ("isolation.kind = 1", "pyproject.toml:2", "isolation takes str"),
        ("ignore_hosts = [\n 'a',\n 1,\n]", "pyproject.toml:2", "ignore_hosts takes list[str]"),
        ("retry_statuses = ['429']", "pyproject.toml:2", "retry_statuses takes list[int]"),
        ("retry_statuses = [29]", "pyproject.toml:2", "at least 100 and at most 599"),
        ("revalidate_rate = 0", "pyproject.toml:2", "above 0"),
        ("oversized_mb = nan", "pyproject.toml:2", "nan is not a value"),
        ("stale_after_days = -1", "pyproject.toml:2", "at least 0"),
        ("recording = ''", "pyproject.toml:2", "recording takes Path"),
        ('command = "pytest \'a"', "pyproject.toml:2", "command cannot be split"),
        ("hub-cache = 'warm'\nhub_cache = 'cold'", "pyproject.toml:3", "given twice"),
    ],
)
def test_what_does_not_fit_in_the_table_names_its_line(tmp_path, table, where, says):
    with pytest.raises(UsageError) as raised:
        load(tmp_path, table)
    assert raised.value.where.startswith(str(tmp_path / where))
    assert says in str(raised.value)


@pytest.mark.parametrize("text", ["tool.recordbake = 1", "[[tool.recordbake]]\nquiet = true"])
def test_what_is_no_table_is_an_error(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(UsageError, match="is not a table"):
        settings.load({}, {}, tmp_path)


def test_a_misspelled_variable_is_an_error_and_others_are_left_alone(tmp_path):
    with pytest.raises(UsageError, match="did you mean RECORDBAKE_ISOLATION"):
        load(tmp_path, environ={"RECORDBAKE_ISOLATON": "kernel"})
    ours = ["MODE", "TEST", "PHASE", "ATTEMPT", "HOOK", "PROBE", "VERSION", "CONTRACT_PYTHON"]
    load(tmp_path, environ={f"RECORDBAKE_{name}": "1" for name in ours})


def test_an_empty_path_is_not_the_current_directory(tmp_path):
    with pytest.raises(UsageError, match="RECORDBAKE_RECORDING"):
        load(tmp_path, environ={"RECORDBAKE_RECORDING": ""})


def test_each_value_has_its_origin(tmp_path):
    text = (
        '[project]\nname = "isolation"\n\n[tool.recordbake]\n# isolation = 1\nisolation = "auto"\n'
    )
    text += 'ignore_hosts = [\n  "a",  # ]\n  "b",\n]\nhub-cache = "cold"\nquiet = true\n'
    (tmp_path / "pyproject.toml").write_text(text)
    environ = {"RECORDBAKE_QUIET": "0"}
    _, origins = settings.resolve({"progress": "none"}, environ, tmp_path, lines=True)
    path = tmp_path / "pyproject.toml"
    assert {name: str(origin) for name, origin in origins.items() if origin.kind != "default"} == {
        "isolation": f"{path}:6",
        "ignore_hosts": f"{path}:7",
        "hub_cache": f"{path}:11",
        "quiet": "RECORDBAKE_QUIET",
        "progress": "--progress",
    }


def test_lines_are_found_however_the_table_is_written():
    assert line_of('tool.recordbake = {quiet = true}\n[a]\nb = """\nquiet = 1\n"""', "quiet") == 1
    assert line_of('[a]\nb = """\nquiet = 1\n"""\n[tool]\nrecordbake.quiet = true', "quiet") == 6
    assert line_of("[tool.other]\nquiet = true", "quiet") is None


SCHEMA = jsonschema.Draft7Validator(schema())
FITTING = [
    {}, {"command": "pytest -q"}, {"command": ["pytest"], "hub-cache": "cold"},
    {"retry_statuses": [429], "retry_max_wait": 0, "recording": "x", "quiet": True},
]  # fmt: skip
UNFIT = [
    {"recordings": "x"}, {"recording": ""}, {"hub_cache": "hot"}, {"revalidate_rate": 0},
    {"retry_statuses": [29]}, {"retry_statuses": ["429"]}, {"quiet": 1}, {"ignore-hosts": "a"},
    {"stale_after_days": -1}, {"command": 3},
]  # fmt: skip


@pytest.mark.parametrize("table", [*FITTING, *UNFIT], ids=str)
def test_schema_and_code_agree(tmp_path, table):
    fits = table in FITTING
    assert SCHEMA.is_valid(table) is fits
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
    with nullcontext() if fits else pytest.raises(UsageError):
        load(tmp_path, lines)


def test_validate_pyproject_finds_the_schema(tmp_path):
    """The entry point, through the real package; it is installed with the project."""
    path = tmp_path / "pyproject.toml"
    command = [sys.executable, "-m", "validate_pyproject", str(path)]
    path.write_text('[tool.recordbake]\nisolation = "kernel"\n')
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    path.write_text('[tool.recordbake]\nisolaton = "kernel"\n')
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "isolaton" in result.stdout + result.stderr


def test_what_the_docs_show_of_config_is_what_it_prints(tmp_path):
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text()
    (shown,) = re.findall(r"```console\n\$ (recordbake config .*)\n(.*?)```", page, re.DOTALL)
    table = re.search(r"```toml\n(\[tool.recordbake\]\n.*?)```", page, re.DOTALL)[1]
    (tmp_path / "pyproject.toml").write_text(table)
    words = shown[0].split()[1:]
    result = recordbake(*words, cwd=tmp_path, env={"RECORDBAKE_ISOLATION": "kernel"})
    assert result.stdout == shown[1]


def test_without_tomli_pips_copy_is_used_and_without_that_it_is_said(monkeypatch):
    asked = []

    def only(name):
        asked.append(name)
        if name not in there:
            raise ImportError(name)
        return SimpleNamespace(loads=lambda text: {"parsed": text})

    monkeypatch.setattr(tables, "import_module", only)
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    there = {"pip._vendor.tomli"}
    assert tables.loads("a = 1") == {"parsed": "a = 1"}
    assert asked == ["tomli", "pip._vendor.tomli"]
    there = set()
    with pytest.raises(UsageError, match="tomli"):
        tables.loads("a = 1")
