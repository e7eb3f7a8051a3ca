"""Projects of others, set up as their maintainers would: ``python -m tests.moving_in [pooch ...]``.

A fresh source distribution each: ``recordbake init``, the lines that it cannot know, a recording
against a local server, a bake; then, with the server gone, a strict replay from the unpacked bake.
Each command of recordbake must exit with 0, and each test end in the replay as it did live.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tests.moving_in import page
from tests.moving_in.project import Project, load
from tests.suites import namespace

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns 1 if a test ended otherwise than live."""
    setups = load()
    parser = argparse.ArgumentParser(prog="python -m tests.moving_in", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(setups)} (default: all)")
    parser.add_argument("--work", type=Path, default=ROOT / ".moving-in")
    parser.add_argument("--page", action="store_true", help="write the figures into the docs")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(setups):
        parser.error(f"no such project: {', '.join(sorted(unknown))}")
    work = options.work.resolve()
    chosen = [setups[name] for name in options.names or setups]
    projects = [Project(setup, work / setup.name) for setup in chosen]
    namespace.enter()
    bad = 0
    for project in projects:
        found = move_in(project)
        bad += len(found["differ"])
        print(json.dumps(found), flush=True)
        (project.work / "result.json").write_text(json.dumps(found))
    if options.page:
        results = {name: json.loads((work / name / "result.json").read_text()) for name in setups}
        page.write(ROOT / "docs" / "how-to" / "projects.md", setups, results)
    return 1 if bad else 0


def move_in(project: Project) -> dict[str, Any]:
    """Take one project through all of it; returns what was counted."""
    command = project.setup.command
    live = project.run(command, server=True)
    added = project.configure()
    recorded = project.recordbake(
        "record", "--json", str(project.work / "record.json"), server=True
    )
    project.recordbake("bake")
    project.recordbake("unpack", ".recordbake/bake", "--to", "baked")
    replayed = project.recordbake(
        "replay", "--strict", "--recording", "baked", "--json", str(project.work / "replay.json")
    )
    project.recordbake("audit", "--recording", "baked", "--fail-on", "live-miss,leak")
    run = project.summary("replay.json")
    return {
        "version": project.suite.version,
        "tests": len(live),
        "differ": sorted(
            test
            for test in live.keys() | recorded.keys() | replayed.keys()
            if not live.get(test) == recorded.get(test) == replayed.get(test)
        ),
        "added": added,
        "requests": run["counts"]["requests"],
        "barrier": run["barrier"],
    }


if __name__ == "__main__":
    sys.exit(main())
