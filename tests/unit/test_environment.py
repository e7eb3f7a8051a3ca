"""The environment of the command: hooked, private caches, and the same kind of credentials."""

from __future__ import annotations

from pathlib import Path

import pytest

from recordbake.environment import PLACEHOLDER_TOKEN, command_environment, set_token

HOOK, HOME, CACHE = Path("/run/hook"), Path("/run/hf"), Path("/run/cache")


def build(**environ):
    return command_environment(environ, hook=HOOK, hf_home=HOME, cache_home=CACHE)


def test_hook_comes_first_and_the_users_path_stays():
    assert build()["PYTHONPATH"] == "/run/hook"
    assert build(PYTHONPATH="/a:/b")["PYTHONPATH"] == "/run/hook:/a:/b"


def test_caches_are_private():
    found = build(HF_HOME="/home/hf", TRANSFORMERS_CACHE="/home/t", XDG_CACHE_HOME="/home/c")
    assert found["HF_HOME"] == found["HF_HUB_CACHE"].removesuffix("/hub") == "/run/hf"
    assert found["TRANSFORMERS_CACHE"] == "/run/hf/hub"
    assert found["XDG_CACHE_HOME"] == "/run/cache"
    assert not [value for value in found.values() if value.startswith("/home")]
    assert "TRANSFORMERS_CACHE" not in build()  # deprecated: setting it makes a warning


def test_downloads_stay_in_python_and_online():
    found = build(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1")
    assert found["HF_HUB_DISABLE_XET"] == "1"
    assert not [name for name in found if "OFFLINE" in name]


@pytest.mark.parametrize(
    ("here", "recorded", "strict", "expected"),
    [
        ("hf_real", True, True, PLACEHOLDER_TOKEN),
        ("hf_real", True, False, "hf_real"),
        ("hf_real", False, True, None),
        ("hf_real", False, False, None),
        (None, True, True, PLACEHOLDER_TOKEN),
        (None, True, False, PLACEHOLDER_TOKEN),
        (None, False, True, None),
    ],
)
def test_a_token_is_sent_exactly_if_the_recording_sent_one(here, recorded, strict, expected):
    environ = {"HF_TOKEN": here, "HUGGING_FACE_HUB_TOKEN": here} if here else {}
    set_token(environ, recorded=recorded, strict=strict)
    assert environ.get("HF_TOKEN") == expected
    assert strict is False or "hf_real" not in environ.values()
