"""Sets a project up: what ``recordbake init`` would change, and changes on request."""

from __future__ import annotations

from recordbake.initial.detect import CIS, Project, detect
from recordbake.initial.edits import Edit, plan

__all__ = ["CIS", "Edit", "Project", "detect", "plan"]
