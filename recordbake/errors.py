"""Errors for people: each says what happened, where, and what to do next.

Every class has one exit code (docs/reference/exit-codes.md) and an anchor in
docs/reference/errors.md. The command line prints them without a traceback.
"""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pathlib import Path

EXIT_OK = 0
EXIT_USAGE = 2
EXIT_LIVE_MISS = 10
EXIT_INCOMPLETE = 11
EXIT_DAMAGED = 12
EXIT_FAIL_ON = 13
EXIT_UNTRUSTWORTHY = 14
EXIT_SECRET = 15
EXIT_BUG = 70
EXIT_INTERRUPTED = 130

#: What to do about a recording that cannot be read.
RECORD_AGAIN = "record again: recordbake record -- COMMAND"


class RecordbakeError(Exception):
    """A condition the user can act on.

    Args:
        what: one sentence, what happened.
        where: the file, option or URL concerned, if there is one.
        next_step: one sentence, what to do now.
    """

    exit_code: ClassVar[int] = 1
    anchor: ClassVar[str] = "error"

    def __init__(self, what: str, *, where: Path | str | None = None, next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = None if where is None else str(where)
        self.next_step = next_step

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.next_step:
            lines.append(f"  next:  {self.next_step}")
        return "\n".join(lines)


class BugError(RecordbakeError):
    """Recordbake itself failed.

    Args:
        cause: what it did not expect.
    """

    exit_code = EXIT_BUG
    anchor = "bug"

    def __init__(self, cause: Exception) -> None:
        import traceback

        frame = traceback.extract_tb(cause.__traceback__)[-1]
        super().__init__(
            f"recordbake failed: {type(cause).__name__}: {cause}",
            where=f"{frame.filename}:{frame.lineno}",
            next_step="this is a bug; report it with what the same command says with --debug",
        )


class UsageError(RecordbakeError):
    """Wrong flags, wrong configuration, or a command that cannot be run."""

    exit_code = EXIT_USAGE
    anchor = "usage"


class IsolationError(UsageError):
    """The barrier that was asked for cannot be had on this system."""

    anchor = "isolation"


class DamagedError(RecordbakeError):
    """A store, journal, bake or archive is missing, damaged or not what its manifest says."""

    exit_code = EXIT_DAMAGED
    anchor = "damaged"


class StorageError(DamagedError):
    """The system refuses to read or write a file: the disk is full, or permission is missing.

    Args:
        cause: the system's error.
    """

    anchor = "storage"

    def __init__(self, cause: OSError) -> None:
        number, where = cause.errno, cause.filename
        reason = cause.strerror or str(cause)
        if number is None and (said := _IN_TEXT.search(str(cause))):  # shutil.Error: many in one
            number = int(said["number"])
            reason, where = os.strerror(number), said["path"]
        super().__init__(
            f"a file cannot be read or written: {reason}",
            where=None if where is None else os.fsdecode(where),
            next_step=f"{remedy(reason)}, then run it again; what a run had recorded is picked up",
        )


#: How an OSError with a file name tells of itself.
_IN_TEXT = re.compile(r"\[Errno (?P<number>\d+)\] [^:]*: (?:'[^']*' -> )?'(?P<path>[^']*)'")
_REMEDIES = {
    "free space": (errno.ENOSPC, errno.EDQUOT),
    "allow larger files (ulimit -f)": (errno.EFBIG,),
    "allow more open files (ulimit -n)": (errno.EMFILE, errno.ENFILE),
    "grant permission": (errno.EACCES, errno.EPERM, errno.EROFS),
    "keep it from being deleted meanwhile": (errno.ENOENT, errno.ESTALE),
}


def remedy(reason: str) -> str:
    """What to do about a system's error.

    Args:
        reason: its text, as strerror(3) has it.
    """
    for text, numbers in _REMEDIES.items():
        if reason in map(os.strerror, numbers):
            return text
    return "free space or grant permission"


class TransferError(DamagedError):
    """A bake could not be sent or fetched."""

    anchor = "transfer"


class SecretError(RecordbakeError):
    """A bake would ship a secret."""

    exit_code = EXIT_SECRET
    anchor = "secret"


class BusyError(DamagedError):
    """Another process holds the recording and did not let go in time."""

    anchor = "busy"
