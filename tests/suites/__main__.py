"""Run foreign suites: ``python -m tests.suites run requests [-- -k name]``."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.suites import namespace, report, suite
from tests.suites.running import RUNS, Runs

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    """The command line; returns 1 if a test ended otherwise than live without a reason."""
    parser = argparse.ArgumentParser(prog="python -m tests.suites", description=__doc__)
    parser.add_argument("verb", choices=["run", "compare", "page", "list"])
    parser.add_argument("names", nargs="*", help="of suites (default: all)")
    parser.add_argument("--only", default=",".join(RUNS), help="these runs")
    parser.add_argument("--work", type=Path, default=ROOT / ".suites")
    own, _, extra = (arguments, None, []) if "--" not in arguments else _split(arguments)
    options = parser.parse_args(own)
    names = options.names or suite.names()
    if options.verb == "list":
        print("\n".join(names))
        return 0
    if options.verb == "page":
        report.write_page(ROOT / "docs" / "reference" / "suites.md", options.work)
        return 0
    bad = 0
    with contextlib.ExitStack() as stack:
        for name in names:
            stack.enter_context(locked(options.work / name))
        fetched = [Runs(suite.load(n), (options.work / n).resolve(), extra) for n in names]
        namespace.enter()
        for runs in fetched:
            if options.verb == "run":
                for step in options.only.split(","):
                    if step in ("record", "replay"):
                        getattr(runs, step)()
                    else:
                        runs.run(step, server=step != "alone")
            if all(runs.report(name).exists() for name in RUNS):
                bad += report.show(runs)
    return 1 if bad else 0


@contextlib.contextmanager
def locked(work: Path) -> Iterator[None]:
    """One runner at a time in a suite's working directory; a killed one leaves nothing behind.

    Raises:
        SystemExit: another one is at work there.
    """
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit(f"suites: {work} is in use by another run: wait for it, or give --work")
        yield


def _split(arguments: list[str]) -> tuple[list[str], None, list[str]]:
    at = arguments.index("--")
    return arguments[:at], None, arguments[at + 1 :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
