"""What happens to a request: a pure table from mode and look-up to an action."""

from __future__ import annotations

from .config import RECORD, REPLAY, STRICT

ANSWER, KEEP, FORWARD, BLOCK = "answer", "keep", "forward", "block"
#: Loopback and excluded hosts: live, and none of our business.
BYPASS = "bypass"

#: (mode, found) -> action; ``record --missing`` is the mode ``record+missing``.
_TABLE = {
    (RECORD, False): KEEP,
    (RECORD, True): KEEP,
    ("record+missing", False): KEEP,
    ("record+missing", True): ANSWER,
    (REPLAY, False): FORWARD,
    (REPLAY, True): ANSWER,
    (STRICT, False): BLOCK,
    (STRICT, True): ANSWER,
}

#: The outcome that the journal reports for an action that went well.
OUTCOME = {ANSWER: "hit", KEEP: "stored", FORWARD: "forwarded", BLOCK: "blocked", BYPASS: "bypass"}


def decide(mode: str, *, found: bool, missing: bool = False) -> str:
    """The action for a request.

    Args:
        mode: ``record``, ``replay`` or ``replay_strict``.
        found: whether the store has an answer.
        missing: while recording, only what is missing is fetched.

    Raises:
        KeyError: there is no such mode.
    """
    return _TABLE["record+missing" if missing and mode == RECORD else mode, found]


def without_http(mode: str) -> str:
    """The action for a request that is to become something else than HTTP, which is not kept."""
    return BLOCK if mode == STRICT else FORWARD


def needs_lookup(mode: str, *, missing: bool) -> bool:
    """Whether the store has to be asked at all."""
    return mode != RECORD or missing
