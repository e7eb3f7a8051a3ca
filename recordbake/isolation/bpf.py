"""The seccomp filter: which system calls pass, are refused, or are asked about.

Written as instructions with labels. It sees a call's number and arguments, but not the memory that
they point to, so every call that may name an address is passed on to the supervisor.
Source: Linux ``Documentation/userspace-api/seccomp_filter.rst``, ``include/uapi/linux/filter.h``.
"""

from __future__ import annotations

import errno
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recordbake.isolation.abi import Abi, Machine

ALLOW = 0x7FFF0000
NOTIFY = 0x7FC00000
_ERRNO = 0x00050000

_LOAD, _RETURN = 0x20, 0x06  # BPF_LD|BPF_W|BPF_ABS, BPF_RET|BPF_K
_EQUAL, _AT_LEAST = 0x15, 0x35  # BPF_JMP|BPF_JEQ|BPF_K, BPF_JMP|BPF_JGE|BPF_K
_NR, _ARCH = 0, 4  # offsets in struct seccomp_data; arguments are 64 bits each from 16 on
_X32 = 0x40000000  # __X32_SYSCALL_BIT

AF_PACKET, AF_ALG, AF_VSOCK = 17, 38, 40
IPPROTO_SCTP = 132
#: Families that stay on this machine, or whose addresses the other calls show.
_FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, 16, AF_ALG)  # 16: AF_NETLINK
#: Families that programs open to get out; others are only ever tried by way of a survey.
_REPORTED = (AF_PACKET, AF_VSOCK)


def refuse(number: int) -> int:
    """The filter's answer that fails a call with an errno."""
    return _ERRNO | number


class _Program:
    """Instructions whose jumps name labels; a label stands before the instruction it names."""

    def __init__(self) -> None:
        self._lines: list[tuple[int, int, str]] = []
        self._labels: dict[str, int] = {}

    def label(self, name: str) -> None:
        self._labels[name] = len(self._lines)

    def load(self, offset: int) -> None:
        self._lines.append((_LOAD, offset, ""))

    def load_argument(self, number: int, *, high: bool = False) -> None:
        self.load(16 + 8 * number + 4 * high)

    def jump_if(self, value: int, label: str, test: int = _EQUAL) -> None:
        """Jump where the loaded word is (or is at least) ``value``, else go on."""
        self._lines.append((test, value, label))

    def answer(self, value: int) -> None:
        self._lines.append((_RETURN, value, ""))

    def assemble(self) -> bytes:
        code = b""
        for at, (operation, value, label) in enumerate(self._lines):
            distance = self._labels[label] - at - 1 if label else 0
            code += struct.pack("=HBBI", operation, distance, 0, value)
        return code


def program(machine: Machine) -> bytes:
    """The filter for a machine, as ``struct sock_filter`` instructions."""
    out = _Program()
    out.load(_ARCH)
    for number, abi in enumerate(machine.abis):
        out.jump_if(abi.arch, f"abi{number}")
    out.answer(refuse(errno.ENOSYS))
    for number, abi in enumerate(machine.abis):
        out.label(f"abi{number}")
        _add_abi(out, abi, f"abi{number}:")
    return out.assemble()


def _add_abi(out: _Program, abi: Abi, prefix: str) -> None:
    out.load(_NR)
    if abi.pointer == 8:  # noqa: PLR2004
        out.jump_if(_X32, prefix + "unknown", _AT_LEAST)
    for number in (abi.connect, abi.sendmsg, abi.sendmmsg):
        out.jump_if(number, prefix + "notify")
    out.jump_if(abi.sendto, prefix + "sendto")
    out.jump_if(abi.socket, prefix + "socket")
    # A ring sends without system calls; programs that would use one do without.
    out.jump_if(abi.io_uring_setup, prefix + "unknown")
    if abi.socketcall >= 0:  # its arguments are in memory; C libraries have not used it since 2015
        out.jump_if(abi.socketcall, prefix + "unknown")
    out.answer(ALLOW)

    out.label(prefix + "sendto")  # without an address it is a send on a connected socket
    out.load_argument(4)
    out.jump_if(0, prefix + "high")
    out.answer(NOTIFY)
    out.label(prefix + "high")
    out.load_argument(4, high=True)
    out.jump_if(0, prefix + "allow")
    out.label(prefix + "notify")
    out.answer(NOTIFY)

    out.label(prefix + "socket")
    out.load_argument(2)
    out.jump_if(IPPROTO_SCTP, prefix + "notify_socket")  # it connects by way of setsockopt
    out.load_argument(0)
    for family in _FAMILIES:
        out.jump_if(family, prefix + "allow")
    for family in _REPORTED:
        out.jump_if(family, prefix + "notify_socket")
    out.answer(refuse(errno.EAFNOSUPPORT))
    out.label(prefix + "notify_socket")
    out.answer(NOTIFY)
    out.label(prefix + "allow")
    out.answer(ALLOW)
    out.label(prefix + "unknown")
    out.answer(refuse(errno.ENOSYS))
