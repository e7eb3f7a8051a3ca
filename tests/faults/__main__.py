"""Inject faults: ``python -m tests.faults [--share 0.1] [NAME...]``; all of them by default."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from tests.faults import report, running
from tests.faults.catalogue import faults
from tests.support.cli import ROOT


def main(arguments: list[str]) -> int:
    """The command line; returns 1 if anything was lost, hung or wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("names", nargs="*", help="faults whose group or name has one of these")
    parser.add_argument("--list", action="store_true", help="only say which there are")
    parser.add_argument("--share", type=float, default=1, help="of the repetitions, up to 1")
    parser.add_argument("--seed", default=secrets.token_hex(4), help="to repeat what happened")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at a time")
    parser.add_argument("--page", type=Path, help="write the page of the documentation, too")
    parser.add_argument("--work", type=Path, help="an empty directory (default: a temporary one)")
    options = parser.parse_args(arguments)
    wanted = [word.lower() for word in options.names]
    chosen = [
        fault for fault in faults()
        if not wanted or any(word in f"{fault.group} {fault.name}".lower() for word in wanted)
    ]  # fmt: skip
    if options.list:
        print("".join(f"{fault.times:4} {fault.group}: {fault.name}\n" for fault in chosen), end="")
        return 0
    print(f"seed {options.seed}: {len(chosen)} faults", flush=True)
    work = options.work or Path(tempfile.mkdtemp(prefix="faults-"))

    done = []

    def say(row, times) -> None:
        done.append(row)
        report.write(done, ROOT / "reports", options.page)  # what is known if this one is ended
        print(f"{row.group}: {report.line(row)}".rstrip(), flush=True)
        for text in row.bad:
            print(f"  {text}", flush=True)

    rows = running.run(chosen, work, options.seed, jobs=options.jobs, share=options.share, say=say)
    print(report.table(rows))
    print(report.total(rows))
    bad = any(row.bad for row in rows)
    if bad:
        print(f"what is left: {work}")
    else:
        shutil.rmtree(work, ignore_errors=True)
    return int(bad or not rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
