"""Each option once, in three places, with a clear order."""

from __future__ import annotations

from pathlib import Path

import pytest

from recordbake import settings
from recordbake.errors import UsageError


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
