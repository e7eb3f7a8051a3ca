"""Installing the address filter: no privilege is needed, every descendant inherits it.

Source: seccomp(2), prctl(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import threading
from typing import TYPE_CHECKING, TypeVar

from recordbake.isolation import bpf
from recordbake.isolation.abi import machine
from recordbake.isolation.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

    from recordbake.isolation.addresses import Destination, Policy
    from recordbake.isolation.supervisor import Refusal

    T = TypeVar("T")

_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER = 1
_NEW_LISTENER, _WAIT_KILLABLE = 1 << 3, 1 << 5  # SECCOMP_FILTER_FLAG_*; the latter since Linux 5.19


class _Fprog(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    if libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _install() -> int:
    """Filter the calling thread; returns the listener.

    Privileged programs stay so where this process may filter without giving that up
    (CAP_SYS_ADMIN); else setuid programs such as sudo gain nothing any more.

    Raises:
        OSError: the system does not allow it; ENOSYS for a processor that is not supported.
    """
    found = machine()
    if found is None:
        raise OSError(errno.ENOSYS, "no filter was written for this kind of processor")
    code = bpf.program(found)
    held = ctypes.create_string_buffer(code, len(code))
    filter_ = _Fprog(len(code) // 8, ctypes.addressof(held))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    number = errno.EACCES
    for flags in (_NEW_LISTENER | _WAIT_KILLABLE, _NEW_LISTENER):
        for unprivileged in (False, True):
            if unprivileged:
                _prctl(_PR_SET_NO_NEW_PRIVS, 1)
            listener = int(
                libc.syscall(
                    ctypes.c_long(found.seccomp), ctypes.c_uint(_SET_MODE_FILTER),
                    ctypes.c_uint(flags), ctypes.byref(filter_),
                )
            )  # fmt: skip
            if listener >= 0:
                return listener
            number = ctypes.get_errno()
            if number != errno.EACCES:
                break
        if number != errno.EINVAL:
            break
    raise OSError(number, os.strerror(number))


def start(
    spawn: Callable[[], T],
    policy: Policy,
    report: Callable[[Refusal], None],
    passes: Callable[[int, Destination], bool] | None = None,
) -> tuple[T, Supervisor]:
    """Call ``spawn`` in a thread that is filtered; what it starts inherits the filter.

    Args:
        spawn: starts a process.
        policy: what may be reached.
        report: called with each refusal, in the supervisor's thread.
        passes: asked whether a thread may reach what the policy forbids.

    Returns:
        What ``spawn`` returned, and the supervisor, to be closed when the process has ended.

    Raises:
        OSError: the filter cannot be installed.
        Exception: whatever ``spawn`` raises.
    """
    found = machine()
    listeners: list[int] = []
    made: list[T] = []
    errors: list[BaseException] = []
    installed, supervised, spawned = threading.Event(), threading.Event(), threading.Event()
    over = threading.Event()

    def run() -> None:
        try:
            listeners.append(_install())
            installed.set()
            supervised.wait()
            made.append(spawn())
        except BaseException as error:  # noqa: BLE001  # raised again where it is waited for
            errors.append(error)
        finally:
            installed.set()
            spawned.set()
        over.wait()  # what is tied to its parent (prctl(2)) is tied to this thread

    # A filter is a thread's, and of what that thread starts: this thread, and the supervisor's
    # which it starts, stay as they are.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    installed.wait()
    if not listeners:
        over.set()
        raise errors[0]
    assert found is not None
    supervisor = Supervisor(listeners[0], found, policy, report, over, passes)
    supervised.set()
    spawned.wait()
    if errors:
        supervisor.close()
        raise errors[0]
    return made[0], supervisor
