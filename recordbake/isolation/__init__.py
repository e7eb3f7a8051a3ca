"""Kernel barriers: what keeps a strict replay's whole process tree from the network.

Two are known, tried in this order (docs/adr/0014-barriers.md says why):

- ``seccomp`` filters by address: loopback and Unix sockets pass, all else is refused and reported;
- ``namespace`` takes the network away: the command sees a loopback of its own and nothing else.

Without either the in-process guard is all there is; its name is ``process``.
"""

from __future__ import annotations

from recordbake.isolation.barriers import NONE, Availability, Barrier, available, choose
from recordbake.isolation.running import execute

__all__ = ["NONE", "Availability", "Barrier", "available", "choose", "execute"]
