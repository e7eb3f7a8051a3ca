"""What is to be run, and what its processes are told."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from recordbake import display, hook_dir, interpreter
from recordbake import environment as surroundings
from recordbake.console import note
from recordbake.guest.config import RECORD, GuestConfig

if TYPE_CHECKING:
    from recordbake.from_audit import Refetch
    from recordbake.isolation import Barrier
    from recordbake.recording import Recording, Run
    from recordbake.settings import Settings


class Job(NamedTuple):
    """A command to record or to replay.

    Args:
        settings: the settings in force.
        mode: the mode.
        command: program and arguments.
        program: path of what is started.
        recording: where from or where to.
        barrier: what keeps a strict replay from the network.
        display: how what goes on is shown (:mod:`recordbake.display`).
        missing: while recording, fetch only what the store does not have.
        refetch: what to fetch all the same, and the tests to run for it.
        json_to: the file that the summary is written to as JSON; ``-`` for standard output.
    """

    settings: Settings
    mode: str
    command: list[str]
    program: str
    recording: Recording
    barrier: Barrier
    display: str
    missing: bool = False
    refetch: Refetch | None = None
    json_to: str | None = None

    def is_authorized(self) -> bool:
        """Whether the recording has, or will have, what a Hub token brings."""
        if self.mode == RECORD:
            return surroundings.has_token(os.environ)
        from recordbake import store

        return store.recorded_with_token(self.recording.store)

    def config(self, run: Run) -> GuestConfig:
        """What the processes of a run are told."""
        settings = self.settings
        reads = self.mode != RECORD or self.missing
        store_file = self.recording.store.resolve()
        return GuestConfig(
            mode=self.mode,
            run=run.id,
            shards=str(run.shards.resolve()),
            store=str(store_file) if reads and store_file.exists() else "",
            missing=self.missing,
            refetch=self._refetch_file(run),
            capture_loopback=settings.capture_loopback,
            capture_ports=tuple(settings.capture_ports),
            ignore_hosts=tuple(settings.ignore_hosts),
            volatile_parameters=tuple(settings.volatile_parameters),
            retry_statuses=tuple(settings.retry_statuses),
            retry_max_wait=settings.retry_max_wait,
            record_command=self._recording_of(self.command),
            record_test_command=self._recording_of(interpreter.pytest_prefix(self.command)),
            strict_tests=settings.strict_tests,
            allow_live_tests=settings.allow_live_tests,
            shows_tests=self.display != display.NONE,
            barrier=self.barrier.name,
            own_addresses=self.barrier.own_addresses,
        )

    def _refetch_file(self, run: Run) -> str:
        if self.refetch is None:
            return ""
        from recordbake.from_audit import FILE_NAME

        path = run.path / FILE_NAME
        self.refetch.write(path)
        return str(path.resolve())

    def _recording_of(self, command: list[str]) -> str:
        """What adds to the recording (not to a bake made of it) what a command misses."""
        if not command:
            return ""
        where = []
        if self.settings.recording != Path(".recordbake") and not self.recording.manifest.exists():
            where = ["--recording", str(self.settings.recording)]
        return shlex.join(["recordbake", "record", "--missing", *where, "--", *command])

    def environment(self, run: Run, work: Path, config: GuestConfig) -> dict[str, str]:
        """The environment of a run's command.

        Args:
            run: its directory.
            work: a temporary directory, for the hook and for caches.
            config: from :meth:`config`.
        """
        hook, caches = work / "hook", work / "cache"
        hook.mkdir()
        caches.mkdir()
        hook_dir.build(hook, config)
        hf_home = run.hf_cache.resolve() if self.mode == RECORD else work / "hf_cache"
        if self.mode != RECORD and self.settings.hub_cache == "warm":
            from recordbake import hub_cache

            hub_cache.view(self.recording.hf_cache, hf_home)
        hf_home.mkdir(parents=True, exist_ok=True)
        for name in surroundings.OFFLINE_SWITCHES:
            if os.environ.get(name):
                note(f"{name} is not passed on: the recording answers in its place")
        return surroundings.command_environment(
            os.environ, hook=hook, hf_home=hf_home, cache_home=caches,
            disk_caches=self.settings.disk_caches,
        )  # fmt: skip
