"""What exit codes mean, in a line each, for ``--help``; docs/reference/exit-codes.md has more."""

from __future__ import annotations

MEANINGS = {
    "0": "done; in a replay: everything was answered from the store",
    "N": "the command's own exit code, where the command failed",
    "2": "wrong usage or configuration",
    "10": "strict: live misses or leaks, or a process was neither hooked nor held",
    "11": "the command passed, but the recording is incomplete",
    "12": "a store, journal or bake is missing, damaged, busy or not what its manifest says",
    "13": "the audit found what --fail-on names",
    "14": "the doctor found that a strict replay could not be trusted here",
    "15": "the bake would ship a secret",
    "70": "recordbake itself failed: a bug",
    "130": "interrupted",
}


def lines(codes: tuple[str, ...] = tuple(MEANINGS)) -> str:
    """The exit codes of a command as an indented list."""
    return "".join(f"  {code:<4} {MEANINGS[code]}\n" for code in codes)
