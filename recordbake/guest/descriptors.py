"""This process's descriptors: files are opened where nobody else writes, listeners are found."""

import os

# A suite may replace the functions of os by mocks; these are the real ones.
_open, _close = os.open, os.close


def open_file(path: str, flags: int, mode: int = 0o644) -> int:
    """Open a file, closed in programs that are started.

    Where a standard stream is closed its number is the next to be given out, and what a library
    writes to "standard error" would end up in our file.

    Raises:
        OSError: as :func:`os.open`.
    """
    descriptor = _open(path, flags | os.O_CLOEXEC, mode)
    if descriptor > 2:  # noqa: PLR2004
        return descriptor
    from fcntl import F_DUPFD_CLOEXEC, fcntl

    try:
        return fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
    finally:
        _close(descriptor)


def listens_here(port: "int | None") -> bool:
    """Whether this process itself listens at a TCP port, on whichever address."""
    import socket

    for name in os.listdir("/dev/fd"):
        try:
            found = socket.socket(fileno=int(name))
        except OSError:  # no socket, or closed by now
            continue
        try:
            at = found.getsockname()
            listening = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        except OSError:
            continue
        finally:
            found.detach()
        if listening and isinstance(at, tuple) and at[1] == port:
            return True
    return False
