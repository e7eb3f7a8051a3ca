"""The page in the documentation: what had to be configured, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.moving_in.project import Setup

_PAGE = """\
# Set up in projects of others

<!-- made by: nox -s moving_in -- --page -->

What has to be configured, tried with projects whose tests use the network. `nox -s moving_in` takes each as it was
released, fresh from the package index, or, where that one lacks the tests, from its repository, and does what its maintainer
would:

1. `recordbake init --yes --ci github -- COMMAND`, and the lines below that it cannot know;
2. `recordbake record`, against the suite's own server, or httpbin, on this machine;
3. `recordbake bake` and `recordbake unpack .recordbake/bake --to baked`;
4. with the server gone, `recordbake replay --strict --recording baked`;
5. `recordbake audit --recording baked --fail-on live-miss,leak`.

Each of these commands must exit with 0, and each test end in the recording run and in the replay as it did live. No
line of the projects is changed or removed: `init` adds a table, lines to .gitignore, and a workflow.

| project | tests | requests replayed | tests that ended otherwise | lines added to pyproject.toml | to .gitignore |
| --- | --- | --- | --- | --- | --- |
"""  # noqa: E501  # a page
_SECTION = """
## {name} {version}

```toml
[tool.recordbake]
{table}
command = {command}
```

{why}
"""
_END = """
## What a project does not need

`capture_ports` is there because the servers of these runs are on loopback, which recordbake leaves alone otherwise: it
names their fixed ports. What asks real hosts, as the suite of the [tutorial](../tutorial.md), needs none. Where a suite
starts its server in its own process, a plugin of a few lines (`tests/suites/catalogue/`) lets it use one in another, which
can be gone in the replay ([how, and why](../adr/0016-foreign-suites.md)).
"""  # noqa: E501


def write(path: Path, setups: Mapping[str, Setup], results: Mapping[str, Any]) -> None:
    """Write it from what was counted."""
    rows, sections = [], []
    for name, setup in setups.items():
        found = results[name]
        added = found["added"]
        cells = [
            f"[{name}](#{name}-{found['version'].replace('.', '')}) {found['version']}",
            found["tests"], found["requests"], len(found["differ"]),
            added["pyproject.toml"], added[".gitignore"],
        ]  # fmt: skip
        rows.append(f"| {' | '.join(map(str, cells))} |\n")
        sections.append(_SECTION.format(
            name=name, version=found["version"], table="\n".join(setup.table),
            command=_toml(setup.command), why=setup.why,
        ))  # fmt: skip
    path.write_text(_PAGE + "".join(rows) + "".join(sections) + _END)


def _toml(command: list[str]) -> str:
    """An array of strings, wrapped."""
    words = ", ".join(f'"{word}"' for word in command)
    return f"[{words}]"
