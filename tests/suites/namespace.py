"""A network of our own: foreign suites also talk to addresses that are nobody's.

Such as 10.255.255.1, of which they expect that a connection times out. In a network namespace with
nothing but loopback and a cable that drops what it is given, they reach nobody, and get the same
from it everywhere.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

_NEWUSER, _NEWNET = 0x10000000, 0x40000000  # CLONE_NEWUSER and CLONE_NEWNET of unshare(2)

_SETUP = """
ip link set lo up
ip link add hole type veth peer name bottom
ip link set bottom up
ip link set hole arp off up
ip address add 10.255.255.3/32 dev hole
ip route add 10.255.255.1/32 dev hole
ip route add 240.0.0.0/4 dev hole
"""


def enter() -> None:
    """Move this process, which must not have threads, and its children there.

    Raises:
        SystemExit: the system does not let us.
    """
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEWNET if user == 0 else _NEWNET | _NEWUSER):
        sys.exit(f"suites: no network namespace: {os.strerror(ctypes.get_errno())}")
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    subprocess.run(["sh", "-e", "-c", _SETUP], check=True)
