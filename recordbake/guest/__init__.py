"""The hooked half: a guest in other people's processes, standard library only."""

from __future__ import annotations
