"""System call numbers of the interfaces that a filter meets, and how they lay out memory.

Sources: Linux ``arch/x86/entry/syscalls/syscall_64.tbl`` and ``syscall_32.tbl``,
``include/uapi/asm-generic/unistd.h`` (aarch64), ``arch/arm/tools/syscall.tbl``,
``include/uapi/linux/audit.h`` (AUDIT_ARCH_*).
"""

from __future__ import annotations

import platform
from dataclasses import dataclass


@dataclass(frozen=True)
class Abi:
    """One system call interface.

    Args:
        arch: its AUDIT_ARCH_* constant.
        pointer: bytes of a pointer.
        socket, connect, sendto, sendmsg, sendmmsg, io_uring_setup: system call numbers.
        socketcall: number of the multiplexer of old 32-bit programs; -1 where there is none.
    """

    arch: int
    pointer: int
    socket: int
    connect: int
    sendto: int
    sendmsg: int
    sendmmsg: int
    io_uring_setup: int = 425
    socketcall: int = -1

    @property
    def names(self) -> dict[int, str]:
        """Number -> name of the calls that are looked at."""
        known = ("socket", "connect", "sendto", "sendmsg", "sendmmsg")
        return {getattr(self, name): name for name in known}


@dataclass(frozen=True)
class Machine:
    """A processor: its own interface first, then the 32-bit one that its kernel may offer.

    Args:
        abis: the interfaces.
        seccomp: number of the ``seccomp`` system call of the first of them.
    """

    abis: tuple[Abi, ...]
    seccomp: int


_X86_64 = Abi(0xC000003E, 8, socket=41, connect=42, sendto=44, sendmsg=46, sendmmsg=307)
_I386 = Abi(
    0x40000003, 4, socket=359, connect=362, sendto=369, sendmsg=370, sendmmsg=345, socketcall=102
)
_AARCH64 = Abi(0xC00000B7, 8, socket=198, connect=203, sendto=206, sendmsg=211, sendmmsg=269)
_ARM = Abi(
    0x40000028, 4, socket=281, connect=283, sendto=290, sendmsg=296, sendmmsg=374, socketcall=102
)

#: ``platform.machine()`` -> what is known of it.
MACHINES = {
    "x86_64": Machine((_X86_64, _I386), seccomp=317),
    "aarch64": Machine((_AARCH64, _ARM), seccomp=277),
}


def machine() -> Machine | None:
    """This machine, or None where no filter was written for it."""
    return MACHINES.get(platform.machine())
