"""Who made a refused call: read from ``/proc``, with what may be secret left out."""

from __future__ import annotations

import os
import re
from ast import literal_eval
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recordbake.guest import attribution
from recordbake.guest.redaction import CREDENTIAL_HEADERS, PLACEHOLDER, redact_url
from recordbake.guest.sign import SUFFIX

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST = 500  # characters of a command line that are kept
_CODE = ("-c", "-e")  # of Python and shells, Perl and Ruby: what follows may hold anything
_SECRET_OPTION = re.compile(
    r"^(-u|-U|-H|-b|-d|--user|--proxy-user|--header|--cookie|--data\S*|--(\S*-)?"
    r"(password|passwd|token|secret|key))$",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    rf"^(--\S*(?:password|passwd|token|secret|key)=|(?:{'|'.join(CREDENTIAL_HEADERS)}|cookie):).*",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Caller:
    """A process as far as ``/proc`` shows it.

    Args:
        pid: its identifier (of the process, not the thread).
        command: its command line, without secrets; empty if it cannot be read.
        test: the test that started it, or None.
        phase: of that test: ``setup``, ``call`` or ``teardown``, or None.
    """

    pid: int
    command: str
    test: str | None
    phase: str | None


def caller(thread: int, signs: Path) -> Caller:
    """The process of a thread, as the kernel names it to a supervisor.

    Args:
        thread: its identifier.
        signs: the directory where hooked processes show which test they run.
    """
    pid = _process_of(thread)
    words = _read(f"/proc/{thread}/cmdline").split(b"\0")[:-1]
    command = shown([word.decode("utf-8", "backslashreplace") for word in words])
    test, phase = _shown_test(_read(str(signs / f"{pid}{SUFFIX}")))
    if test is None:
        test, phase = _test(_read(f"/proc/{thread}/environ"))
    return Caller(pid, command, test, phase)


def passes_of(thread: int, signs: Path) -> frozenset[str]:
    """Hosts that the test may reach that a thread's process runs, or was started by.

    Args:
        thread: its identifier.
        signs: the directory where hooked processes show which test they run.
    """
    pid = _process_of(thread)
    lines = _read(str(signs / f"{pid}{SUFFIX}")).decode("ascii", "replace").split("\n")
    if _shown_test("\n".join(lines).encode())[0] is not None:
        try:
            return attribution.parse_passes(str(literal_eval(lines[2])))
        except (ValueError, SyntaxError, IndexError):
            return attribution.NOTHING
    found = _variables(_read(f"/proc/{thread}/environ")).get(attribution.PASSES.encode(), b"")
    return attribution.parse_passes(found.decode("ascii", "replace"))


def _process_of(thread: int) -> int:
    for line in _read(f"/proc/{thread}/status").splitlines():
        if line.startswith(b"Tgid:"):
            return int(line.split()[1])
    return thread


def _variables(environ: bytes) -> dict[bytes, bytes]:
    pairs = (entry.partition(b"=") for entry in environ.split(b"\0"))
    return {name: value for name, equals, value in pairs if equals}


def shown_test(path: str) -> str | None:
    """The test that a sign shows, or None."""
    return _shown_test(_read(path))[0]


def _shown_test(sign: bytes) -> tuple[str | None, str | None]:
    """Test and phase that the process runs itself; see :mod:`recordbake.guest.sign`."""
    lines = sign.decode("ascii", "replace").split("\n")
    if len(lines) < 3 or lines[0] not in attribution.PHASES:  # noqa: PLR2004
        return None, None
    try:
        return str(literal_eval(lines[1])), lines[0]
    except (ValueError, SyntaxError):
        return None, None


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:  # noqa: PTH123
            return stream.read()
    except OSError:  # it has ended, or belongs to another user
        return b""


def _test(environ: bytes) -> tuple[str | None, str | None]:
    """Test and phase that a process inherited; see :mod:`recordbake.guest.attribution`."""
    found = _variables(environ)

    def variable(name: str) -> str | None:
        return found.get(name.encode(), b"").decode("utf-8", "backslashreplace") or None

    value = variable(attribution.PYTEST_TEST)
    if value is None:
        return variable(attribution.TEST), variable(attribution.PHASE)
    name, _, phase = value.rpartition(" (")
    return (name, phase[:-1]) if phase[:-1] in attribution.PHASES else (value, None)


def shown(words: list[str]) -> str:
    """A command line for people: no code, no credentials, not too long."""
    out: list[str] = []
    hidden = ""
    for word in words:
        if hidden:
            out.append(hidden)
            hidden = ""
            continue
        if word in _CODE:
            hidden = "..."
        elif _SECRET_OPTION.match(word):
            hidden = PLACEHOLDER
        out.append(_SECRET_VALUE.sub(rf"\g<1>{PLACEHOLDER}", redact_url(word)))
    if out:
        out[0] = os.path.basename(out[0])  # noqa: PTH119
    text = " ".join(out)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
