"""Engines of the guest, on recordings of a test's own."""

from __future__ import annotations

from recordbake.guest.config import GuestConfig
from recordbake.guest.engine import Engine
from recordbake.guest.events import Journal
from tests.support.sample import make_recording

__all__ = ["PLAIN", "engine_of"]

PLAIN = [("Accept", "*/*")]


def engine_of(tmp_path, entries, **settings):
    recording = make_recording(tmp_path / "recording", entries)
    (tmp_path / "shards").mkdir(exist_ok=True)
    settings = {"mode": "replay_strict"} | settings
    config = GuestConfig(
        run="r", shards=str(tmp_path / "shards"), store=str(recording.store), **settings
    )
    return Engine(config, Journal(config.as_settings()))
