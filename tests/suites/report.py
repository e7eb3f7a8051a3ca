"""What came of it: a word on the terminal, a summary file, and the page in the documentation."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.suites import suite as catalogue
from tests.suites.outcomes import read

if TYPE_CHECKING:
    from pathlib import Path

    from tests.suites.running import Runs

_PAGE = """\
# Test suites written by others

<!-- made by: nox -s suites; python -m tests.suites page -->

`nox -s suites` fetches the sources of the projects below, installs each into an environment of its own and runs
its test suite: live, live once more, without its server and without recordbake, under `recordbake record`, and
under `recordbake replay --strict` with the server gone. One recording serves the whole suite. Outcomes are
compared test by test, skips included.

The servers that these suites start in their own process run in another one instead, at fixed ports
([how, and why](../adr/0016-foreign-suites.md)). A test *needs the server* if it ends otherwise without it. Servers
that a test writes itself, at a port of its own each time, stay where they are: `--capture-ports` names only the
fixed ports. Tests whose outcome differs between two live runs are counted apart.

| suite | tests | need the server | same while recording | same in the replay | need none | same while recording | same in the replay | unstable |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""  # noqa: E501  # a table


def show(runs: Runs) -> int:
    """Print a suite's counts and differences, keep them in ``summary.json``.

    Returns:
        How many tests differ without a reason in the suite's notes.
    """
    verdict, suite = runs.verdict(), runs.suite
    result: dict[str, Any] = {
        "need": verdict.count(needing=True), "alone": verdict.count(needing=False),
        "unstable": sorted(verdict.unstable), "modules": verdict.modules(),
    }  # fmt: skip
    print(f"{suite.name} {suite.version}: {len(verdict.tests)} tests, {result['need']} need it")
    bad = 0
    for name, run in (("record", verdict.record), ("replay", verdict.replay)):
        messages = read(runs.report(name))[1]
        for needing in (True, False):
            tests = verdict.differing(run, needing=needing)
            word = "with" if needing else "without"
            result[f"{name}_{word}"] = tests
            print(f"  {name}, {word} need of the server: {len(tests)} differ")
            for test in tests:
                reason = suite.reason(test)
                bad += not reason
                print(f"    {test}: live {verdict.live.get(test)}, {name} {run.get(test)}")
                print(f"      {reason or messages.get(test, '')}")
    (runs.work / "summary.json").write_text(json.dumps(result, indent=1))
    return bad


def write_page(path: Path, work: Path) -> None:
    """Write the documentation page from the summaries of the last runs.

    Of a suite that was not run in ``work`` it keeps what it says.
    """
    rows, details = [], []
    before = path.read_text() if path.exists() else ""
    for name in catalogue.names():
        summary = work / name / "summary.json"
        if not summary.exists():
            rows += re.findall(rf"^\| {name} .*\n", before, re.MULTILINE)
            details += re.findall(
                rf"^\n## {name}\n(?:(?!## ).*\n)*(?=\n## |\Z)", before, re.MULTILINE
            )
            continue
        suite, found = catalogue.load(name), json.loads(summary.read_text())
        need, none = found["need"], found["alone"]
        cells = [
            f"{name} {suite.version}", need + none,
            need, need - len(found["record_with"]), need - len(found["replay_with"]),
            none, none - len(found["record_without"]), none - len(found["replay_without"]),
            len(found["unstable"]),
        ]  # fmt: skip
        rows.append(f"| {' | '.join(map(str, cells))} |\n")
        details.append(_details(suite, found))
    path.write_text(_PAGE + "".join(rows) + "".join(details))


def _details(suite: catalogue.Suite, found: dict[str, Any]) -> str:
    """The tests of a suite that differ, with the reasons where they are known."""
    lines = [f"\n## {suite.name}\n\n`nox -s suites -- {suite.name}`. "]
    if suite.environ:
        lines.append(f"With {' '.join(f'`{k}={v}`' for k, v in suite.environ.items())}. ")
    if suite.by_module:
        lines.append(f"By client:\n\n{_modules(found['modules'])}\n")
    differing = sorted({test for key in found if "_with" in key for test in found[key]})
    lines.append("Differing:\n\n" if differing else "Nothing differs.\n")
    groups: dict[str, list[str]] = {}
    for test in differing:
        groups.setdefault(suite.reason(test) or "Not excused: to be mended.", []).append(test)
    for reason, tests in sorted(groups.items()):
        lines.append(f"- {reason}\n")
        functions = Counter(test.partition("[")[0] for test in tests)
        lines += [
            f"  - `{name}`{f', {count} times' if count > 1 else ''}\n"
            for name, count in functions.items()
        ]
    return "".join(lines)


def _modules(found: dict[str, list[int]]) -> str:
    lines = ["| module | need the server | same while recording | same in the replay |"]
    lines.append("| --- | --- | --- | --- |")
    lines += [f"| {name} | {' | '.join(map(str, counts))} |" for name, counts in found.items()]
    return "\n".join(lines) + "\n"
