"""Answers the questions that the seccomp filter asks, in a thread of the runner.

Source: seccomp_unotify(2). A call that passes is continued by the kernel, which reads the address
again: a hostile program could change it in between. This is a guard, not a sandbox.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import struct
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from recordbake.isolation.addresses import Destination, parse
from recordbake.isolation.bpf import IPPROTO_SCTP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recordbake.isolation.abi import Abi, Machine
    from recordbake.isolation.addresses import Policy

_RECV, _SEND, _ID_VALID = 0xC0502100, 0xC0182101, 0x40082102  # SECCOMP_IOCTL_NOTIF_*
_NOTIFICATION = struct.Struct("=QIIiIQ6Q")  # struct seccomp_notif
_RESPONSE = struct.Struct("=QqiI")  # struct seccomp_notif_resp
_CONTINUE = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE, since Linux 5.5
_MOST_MESSAGES = 1024  # UIO_MAXIOV: what sendmmsg takes at once
_LONGEST_ADDRESS = 128  # sizeof(struct sockaddr_storage)
_REPORTED = 20  # times that one process is reported for one destination


@dataclass(frozen=True)
class Refusal:
    """A call that was not let out.

    Args:
        thread: identifier of the thread that made it.
        what: name of the system call.
        to: where it would have gone.
    """

    thread: int
    what: str
    to: Destination


class _Call(NamedTuple):
    id: int
    thread: int
    number: int
    arch: int
    arguments: tuple[int, ...]


@contextmanager
def _memory(thread: int) -> Iterator[Callable[[int, int], bytes]]:
    """Reads another thread's memory: from an address, at most so many bytes.

    Raises:
        OSError: it may not be looked at, or there is no memory at an address.
    """
    descriptor = os.open(f"/proc/{thread}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield lambda at, size: os.pread(descriptor, size, at) if at and size else b""
    finally:
        os.close(descriptor)


class Supervisor:
    """Lets calls pass or refuses them, until no filtered process is left or it is closed.

    Args:
        listener: the filter's descriptor; closed with the supervisor.
        machine: whose calls these are.
        policy: what may be reached.
        report: called with each refusal, in any thread.
        over: set when it is closed.
    """

    def __init__(  # noqa: PLR0913, PLR0917
        self, listener: int, machine: Machine, policy: Policy, report: Callable[[Refusal], None],
        over: threading.Event | None = None,
        passes: Callable[[int, Destination], bool] | None = None,
    ) -> None:  # fmt: skip
        self._listener = listener
        self._over = over or threading.Event()
        self._abis = {abi.arch: abi for abi in machine.abis}
        self._policy = policy
        self._report = report
        self._passes = passes or (lambda _thread, _to: False)
        self._reported: Counter[tuple[int, Destination]] = Counter()
        self._wake_read, self._wake = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="recordbake-barrier", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; from now on the kernel fails what a process that is left asks (ENOSYS)."""
        os.write(self._wake, b"x")
        self._thread.join()
        self._over.set()
        for descriptor in (self._listener, self._wake_read, self._wake):
            os.close(descriptor)

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        while True:
            events = dict(poll.poll())
            if self._wake_read in events:
                return
            if not events.get(self._listener, 0) & select.POLLIN:
                poll.unregister(self._listener)  # hung up: no filtered process is left
                continue
            self._answer_one()

    def _answer_one(self) -> None:
        buffer = bytearray(_NOTIFICATION.size)
        try:
            fcntl.ioctl(self._listener, _RECV, buffer, True)  # noqa: FBT003
        except OSError:
            return  # the caller is gone
        id_, thread, _, number, arch, _, *arguments = _NOTIFICATION.unpack(buffer)
        call = _Call(id_, thread, number, arch, tuple(arguments))
        if self._policy.is_slow:  # others need not wait for a name server
            threading.Thread(target=self._answer, args=(call,), daemon=True).start()
        else:
            self._answer(call)

    def _answer(self, call: _Call) -> None:
        try:
            error = self._judge(call)
        except Exception:  # noqa: BLE001  # who asks waits for ever if this thread ends
            error = errno.EACCES
        response = _RESPONSE.pack(call.id, 0, -error, 0 if error else _CONTINUE)
        try:
            fcntl.ioctl(self._listener, _SEND, response)
        except OSError:
            return  # the caller is gone, or a signal interrupted it and it will ask again

    def _judge(self, call: _Call) -> int:
        """The errno to refuse a call with, or 0 to let it pass."""
        abi = self._abis[call.arch]
        what = abi.names[call.number]
        if what == "socket":
            return self._refuse_socket(call)
        try:
            for to in _destinations(abi, what, call):
                if not (to is None or self._policy.allows(to) or self._passes(call.thread, to)):
                    return self._refused(call, what, to, errno.ENETUNREACH)
            # Only now is it sure that what was read was the caller's memory and not that of a
            # process which got its number after it.
            fcntl.ioctl(self._listener, _ID_VALID, struct.pack("=Q", call.id))
        except OSError as error:
            if error.errno == errno.ENOENT:
                return errno.ENETUNREACH  # the caller is gone
            # Another user's process, or one that does not let itself be looked at.
            to = Destination(f"an address that cannot be read ({error.strerror})")
            return self._refused(call, what, to, errno.EACCES)
        return 0

    def _refuse_socket(self, call: _Call) -> int:
        family, protocol = call.arguments[0] & 0xFFFFFFFF, call.arguments[2] & 0xFFFFFFFF
        name = "SCTP" if protocol == IPPROTO_SCTP else f"address family {family}"
        to = Destination(name)
        return self._refused(call, "socket", to, errno.EAFNOSUPPORT)

    def _refused(self, call: _Call, what: str, to: Destination, error: int) -> int:
        self._reported[call.thread, to] += 1
        # It may be at it in a loop. A name service on a Unix socket is asked as a matter of course;
        # who is refused there goes on to the name server, and is reported.
        if self._reported[call.thread, to] <= _REPORTED and not (to.local and to.port is None):
            self._report(Refusal(call.thread, what, to))
        return error


def _destinations(abi: Abi, what: str, call: _Call) -> Iterator[Destination | None]:
    """The addresses that a call names; see connect(2), sendto(2), sendmmsg(2)."""
    arguments = call.arguments
    with _memory(call.thread) as read:
        if what == "connect":
            yield parse(read(arguments[1], _length(arguments[2])), sending=False)
        elif what == "sendto":
            yield parse(read(arguments[4], _length(arguments[5])), sending=True)
        else:
            many = what == "sendmmsg"
            count = min(arguments[2] & 0xFFFFFFFF, _MOST_MESSAGES) if many else 1
            # struct mmsghdr is a struct msghdr, seven words, and a length, padded to a word.
            stride = 8 * abi.pointer
            name = struct.Struct("=QI" if abi.pointer == 8 else "=II")  # noqa: PLR2004
            for number in range(count):
                header = read(arguments[1] + number * stride, name.size)
                if len(header) == name.size:
                    at, size = name.unpack(header)
                    yield parse(read(at, _length(size)), sending=True)


def _length(value: int) -> int:
    """An address length as the kernel takes it: an int, cut to the longest address."""
    value &= 0xFFFFFFFF
    return 0 if value >= 1 << 31 else min(value, _LONGEST_ADDRESS)
