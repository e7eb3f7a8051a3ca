"""Recordings of other tools, taken in as if they had been recorded here.

What they hold goes through the guest's own engine: keys, redaction and journal are as ever.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from typing import TYPE_CHECKING

from recordbake import finishing, runs
from recordbake.errors import EXIT_OK
from recordbake.guest import decision
from recordbake.guest.config import RECORD, GuestConfig
from recordbake.guest.engine import Engine
from recordbake.guest.events import Journal
from recordbake.guest.exchange import Head, Request, header
from recordbake.importing.reading import read
from recordbake.recording import Recording
from recordbake.run_info import RunInfo

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from recordbake.importing.exchange import Exchange
    from recordbake.importing.reading import Source
    from recordbake.settings import Settings

__all__ = ["read", "take_in"]

CLIENT = "import"


def take_in(sources: Sequence[Source], settings: Settings) -> Counter[str]:
    """Add what other tools recorded to the recording.

    A request of a test that the recording has an answer to already is answered by what is taken
    in, from now on; all else stays.

    Args:
        sources: from :func:`read`.
        settings: where the recording is; which hosts and parameters count.

    Returns:
        How many exchanges were ``stored``, and how many are none of our business (``bypassed``).

    Raises:
        DamagedError: the recording is damaged, or cannot be written.
    """
    recording = Recording(settings.recording_path, settings.runs_dir)
    runs.recover(recording)
    run, lock = runs.create(recording, RECORD)
    config = GuestConfig(
        mode=RECORD,
        run=run.id,
        shards=str(run.shards.resolve()),
        capture_loopback=True,
        ignore_hosts=tuple(settings.ignore_hosts),
        volatile_parameters=tuple(settings.volatile_parameters),
        barrier="none",
    )
    info = RunInfo(run.id, RECORD, [], time.time(), "none")
    try:
        engine = Engine(config, Journal(config.as_settings()))
        exchanges = [exchange for source in sources for exchange in source.exchanges]
        counts = Counter(_store(engine, exchange) for exchange in exchanges)
        engine.finish()
        info.exit_code = EXIT_OK
        finishing.finish(recording, run, info)
    finally:
        os.close(lock)
    return counts


def _store(engine: Engine, exchange: Exchange) -> str:
    request = Request(exchange.method, exchange.url, exchange.headers, exchange.body, CLIENT)
    plan = engine.plan(request)
    plan.test = exchange.test
    capture = engine.watch(plan)
    answer = exchange.answer
    capture.head = Head(answer.status, answer.reason, answer.version, answer.headers)
    if exchange.recorded_at is not None:
        capture.recorded_at = exchange.recorded_at
    if answer.body:
        if "chunked" in (header(answer.headers, "transfer-encoding") or "").lower():
            capture.chunk(len(answer.body))
        capture.write(answer.body)
    capture.finish()
    return "stored" if plan.action == decision.KEEP else "bypassed"


def node_id(path: Path, root: Path) -> str | None:
    """The test that a cassette of pytest-recording's or cassetter's layout belongs to.

    ``tests/cassettes/test_items/TestList.test_first.yaml`` is that of
    ``tests/test_items.py::TestList::test_first``.

    Source: https://github.com/kiwicom/pytest-recording, "Default recording mode"; the names are
    made by its ``get_default_cassette_name``.

    Args:
        path: of the cassette.
        root: the project's directory.

    Returns:
        None where there is no such module.
    """
    folder = path.parent
    module = folder.parent.parent / f"{folder.name}.py"
    if folder.parent.name != "cassettes" or not module.is_file():
        return None
    try:
        relative = module.resolve().relative_to(root.resolve())
    except ValueError:
        return None
    name, bracket, parameters = path.stem.partition("[")
    return f"{relative.as_posix()}::{name.replace('.', '::')}{bracket}{parameters}"
