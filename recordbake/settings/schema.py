"""The JSON Schema of ``[tool.recordbake]``, made from the declaration of the options.

Also what `validate-pyproject <https://validate-pyproject.readthedocs.io/>`_ asks of an entry
point ``validate_pyproject.tool_schema``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recordbake.settings.options import OPTIONS, default_of

VERSION = 1
_TYPES: dict[str, dict[str, Any]] = {
    "Path": {"type": "string", "minLength": 1},
    "Path | None": {"type": "string", "minLength": 1},
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "float": {"type": "number"},
    "list[str]": {"type": "array", "items": {"type": "string"}},
    "list[int]": {"type": "array", "items": {"type": "integer"}},
}
_LIMITS = {"least": "minimum", "above": "exclusiveMinimum", "most": "maximum"}


def schema(tool_name: str = "recordbake") -> dict[str, Any]:
    """The schema; ``tool_name`` is what validate-pyproject calls it with."""
    properties = {name: _property(name) for name in OPTIONS}
    dashed = {name.replace("_", "-"): known for name, known in properties.items()}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": f"urn:{tool_name}:config:{VERSION}",
        "title": f"recordbake configuration, version {VERSION}",
        "description": "The table [tool.recordbake] of pyproject.toml.",
        "type": "object",
        "additionalProperties": False,
        "properties": properties | dashed,
    }


def _property(name: str) -> dict[str, Any]:
    declared = OPTIONS[name]
    known = declared.metadata
    found: dict[str, Any] = {"description": known["help"]}
    kind = {**_TYPES[str(declared.type)]}
    limits = {_LIMITS[key]: known[key] for key in _LIMITS if known[key] is not None}
    if "items" in kind:
        kind["items"] = {**kind["items"], **limits}
        limits = {}
    if known["choices"]:
        kind["enum"] = list(known["choices"])
    if name == "command":  # as a shell would split it
        kind = {"anyOf": [kind, {"type": "string"}]}
    default = default_of(name)
    shown = {} if default is None else {"default": plain(default)}
    return {**found, **kind, **limits, **shown}


def plain(value: Any) -> Any:
    """A value as JSON and TOML have it."""
    return str(value) if isinstance(value, Path) else value
