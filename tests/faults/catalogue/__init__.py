"""The faults, one module for each kind."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.fault import Fault

#: The order of the table.
GROUPS = (
    "Killed", "Full and forbidden", "Locked and damaged", "Many", "Servers that misbehave",
    "Hostile data", "Errors for people", "Time", "Interference", "Upgrades",
)  # fmt: skip


def faults() -> list[Fault]:
    """All faults of all modules, in the order of the table."""
    found: list[Fault] = []
    for module in pkgutil.iter_modules(__path__):
        found += import_module(f"{__name__}.{module.name}").FAULTS
    return sorted(found, key=lambda fault: GROUPS.index(fault.group))
