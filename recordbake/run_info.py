"""What a run says of itself: ``run.json``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from recordbake import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Variables that are equal in all jobs of one run of CI, and differ between two; by the
#: documentation of GitHub Actions, GitLab, CircleCI, Buildkite and Jenkins.
_CI_RUN = ("GITHUB_RUN_ID", "CI_PIPELINE_ID", "CIRCLE_WORKFLOW_ID", "BUILDKITE_BUILD_ID",
           "BUILD_TAG")  # fmt: skip


def ci_run(environ: Mapping[str, str]) -> str:
    """What names the run of CI that an environment belongs to; empty if there is none."""
    return next((f"{name}={environ[name]}" for name in _CI_RUN if environ.get(name)), "")


class RunInfo:
    """``run.json``; see docs/reference/formats.md."""

    def __init__(  # noqa: PLR0913
        self, run: str, mode: str, command: list[str], started_at: float,
        barrier: str = "process", *, missing: bool = False, authorized: bool = False,
        barrier_reason: str = "", ended_at: float | None = None,
        command_exit_code: int | None = None, exit_code: int | None = None, lost: bool = False,
        counts: dict[str, int] | None = None, incomplete: list[dict[str, Any]] | None = None,
        ci_run: str = "", v: int = 1, versions: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.run = run
        self.mode = mode
        self.command = command
        self.started_at = started_at
        self.barrier = barrier
        self.missing = missing
        self.authorized = authorized
        self.barrier_reason = barrier_reason
        self.ended_at = ended_at
        self.command_exit_code = command_exit_code
        self.exit_code = exit_code
        self.lost = lost
        self.counts = {} if counts is None else counts
        self.incomplete = [] if incomplete is None else incomplete
        self.ci_run = ci_run
        self.v = v
        own = {"recordbake": __version__, "python": sys.version.split()[0]}
        self.versions = own if versions is None else versions

    def write(self, path: Path) -> None:
        """Write atomically."""
        import json

        from recordbake.files import write_atomically
        from recordbake.guest.known_secrets import Secrets, named_secrets

        secrets = Secrets(named_secrets(os.environ).values())
        write_atomically(path, secrets.text(json.dumps(vars(self), indent=1)).encode())

    @classmethod
    def read(cls, path: Path) -> RunInfo:
        """Read back.

        Raises:
            OSError, ValueError: missing or damaged.
        """
        import json

        from recordbake.files import read_small

        try:
            read = cls(**json.loads(read_small(path)))
        except (TypeError, RecursionError) as error:
            raise ValueError(str(error)) from error
        if not isinstance(read.mode, str) or not isinstance(read.incomplete, list):
            raise ValueError(f"{path} is not what a run says of itself")  # noqa: TRY004
        return read
