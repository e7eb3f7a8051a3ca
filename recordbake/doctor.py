"""Whether a strict replay could be trusted here: interpreter, clients, barrier, recording."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recordbake import environment, hook_dir, interpreter, isolation, store
from recordbake.errors import EXIT_INCOMPLETE, RecordbakeError
from recordbake.guest.clients.versions import SUPPORTED, problem
from recordbake.guest.config import RECORD, GuestConfig
from recordbake.recording import Recording
from recordbake.run_info import RunInfo
from recordbake.strangers import refuse_strangers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recordbake.settings import Settings

OK, NOTE, BAD = "ok", "note", "bad"

#: Prints the installed version of each distribution named, as JSON.
_VERSIONS = """
import json, sys
from importlib.metadata import PackageNotFoundError, version
found = {"http.client": "%d.%d.%d" % sys.version_info[:3]}
for name in sys.argv[1:]:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
sys.stdout.write(json.dumps(found))
"""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Args:
        what: ``interpreter``, ``client``, ``barrier`` or ``recording``.
        state: ``ok``, ``note`` (good to know) or ``bad`` (a strict replay could not be trusted).
        found: what was found, a sentence.
        remedy: what to do about it, or empty.
    """

    what: str
    state: str
    found: str
    remedy: str = ""


def examine(settings: Settings, command: Sequence[str]) -> list[Check]:
    """All checks, in the order in which to mend what is bad.

    Args:
        settings: the settings in force.
        command: the suite's command; the configured one, or else ``python``, if empty.
    """
    return [
        *_interpreter(list(command) or settings.command, settings),
        *_barriers(settings.isolation),
        *_recording(Recording(settings.recording_path, settings.runs_dir)),
    ]


def _interpreter(command: list[str], settings: Settings) -> list[Check]:
    if not command:
        command = ["python" if shutil.which("python") else sys.executable]
    try:
        program = interpreter.resolve(command, os.environ.get("PATH"))
    except RecordbakeError as error:
        return [Check("interpreter", BAD, error.what, error.next_step)]
    with tempfile.TemporaryDirectory(prefix="recordbake-") as work:
        hook = Path(work) / "hook"
        hook.mkdir()
        hook_dir.build(hook, GuestConfig(mode=RECORD, run="doctor", shards=work))
        environ = environment.command_environment(
            os.environ, hook=hook, hf_home=Path(work), cache_home=Path(work)
        )
        found = interpreter.examine(program, command[1:], environ)
    if found.hooked is None:
        return [
            Check(
                "interpreter", NOTE,
                f"{program} is not a Python by name or shebang; Pythons that it starts are hooked",
                "give the command that starts Python: recordbake doctor -- python -m pytest",
            )
        ]  # fmt: skip
    if not found.hooked:
        return [
            Check(
                "interpreter", BAD, f"{found.interpreter} cannot be hooked: {found.reason}",
                "use CPython 3.10 or later, without -I, -E and -S",
            )
        ]  # fmt: skip
    named = found.interpreter or program
    return [Check("interpreter", OK, f"{named} can be hooked"), *_clients(named, settings)]


def _clients(python: str, settings: Settings) -> list[Check]:
    words = [python, "-c", _VERSIONS, *SUPPORTED]
    result = subprocess.run(
        words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    try:
        versions: dict[str, str] = json.loads(result.stdout)
    except ValueError:
        return [Check("client", BAD, f"{python} does not tell what is installed in it")]
    checks = []
    untested = NOTE if settings.untested_clients else BAD
    for client, (lowest, below) in SUPPORTED.items():
        if client in versions:
            wrong = problem(client, versions[client])
            checks.append(
                Check("client", untested, wrong, f'install "{client}>={lowest},<{below}"')
                if wrong
                else Check("client", OK, f"{client} {versions[client]}")
            )
    return checks


def _barriers(wanted: str) -> list[Check]:
    """A kernel barrier is what certainty needs, unless the user has decided to do without."""
    checks = []
    kernel = False
    for found in isolation.available():
        if found.name == "process":
            continue
        kernel = kernel or (found.ok and wanted in ("auto", "kernel", "process", found.name))
        state = OK if found.ok else NOTE
        checks.append(Check("barrier", state, f"{found.name}: {found.reason}", found.remedy))
    if kernel:
        return checks
    if wanted == "process":
        text = "the in-process guard is all there is, as isolation = process asks for"
        return [*checks, Check("barrier", NOTE, text)]
    text = f"isolation = {wanted} cannot be had: native code and other programs could get out"
    remedy = "do one of the above; or run without a network and set isolation = process"
    return [*checks, Check("barrier", BAD, text, remedy)]


def _recording(recording: Recording) -> list[Check]:
    try:
        refuse_strangers(recording)
        store.settle(recording.store)
        counts = store.check(recording.store)
    except RecordbakeError as error:
        where = f" ({error.where})" if error.where else ""
        return [Check("recording", BAD, f"{error.what}{where}", error.next_step)]
    text = f"{recording.path}: {counts['entries']} entries, {counts['takes']} takes"
    checks = [Check("recording", OK, f"{text}, {counts['body_bytes']:,} bytes of bodies")]
    run = next((r for r in reversed(recording.runs()) if "-record-" in r.id), None)
    if run is None:
        return checks  # an unpacked bake: the bake was refused if it was incomplete, or told so
    try:
        info = RunInfo.read(run.info)
    except (OSError, ValueError):
        found = f"how its latest recording run ended is not known ({run.info})"
        return [*checks, Check("recording", BAD, found, "record again")]
    if info.exit_code is None:
        found = "its latest recording run was killed"
        return [*checks, Check("recording", BAD, found, "record again")]
    if info.exit_code == EXIT_INCOMPLETE:
        found = f"it is incomplete: {len(info.incomplete)} requests got no good answer"
        return [*checks, Check("recording", BAD, found, "recordbake record --missing")]
    return checks


def render(checks: Sequence[Check]) -> str:
    """Text for a terminal."""
    lines = []
    for check in checks:
        lines.append(f"{check.state:<5} {check.what:<12} {check.found}")
        if check.remedy and check.state != OK:
            lines.append(f"{'':<18} next: {check.remedy}")
    bad = sum(check.state == BAD for check in checks)
    lines.append(
        f"a strict replay could not be trusted: {bad} to mend"
        if bad
        else "a strict replay can be trusted here"
    )
    return "\n".join(lines)
