# Parsed by any Python that meets the hook directory, 2.7 included: keep the syntax old.
"""The first thing that runs in a hooked process.

It steps aside (its directory leaves ``sys.path``), hands over to :mod:`.hook` where this Python is
supported and says so where it is not, then runs the sitecustomize that ours shadowed.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # in type comments

MINIMUM = (3, 10)
_state = {}  # type: dict[str, Any]


def start(late=False):  # type: (bool) -> None
    """Hook this process, once; the runner's handover module says how.

    ``late``: by other means than a sitecustomize, so that none was shadowed.
    """
    hook_dir = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if os.environ.get("RECORDBAKE_PROBE"):
        return  # only asked whether it would be hooked
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != hook_dir]
    if _state:
        return
    _state["started"] = True
    from _recordbake_guest import handover

    if sys.version_info < MINIMUM or not hasattr(sys, "audit"):
        _refuse(handover.SETTINGS)
    else:
        try:
            from _recordbake_guest import imports

            imports.load("hook").start(handover.SETTINGS)
        except Exception as error:
            _failed(handover.SETTINGS, error)
    if not late:
        _run_shadowed()


def _refuse(settings):  # type: (dict[str, Any]) -> None
    """Report an interpreter that cannot be hooked; in strict mode end it before it goes live."""
    import json
    import time

    event = {
        "v": 1,
        "ts": time.time(),
        "run": settings["run"],
        "event": "gap",
        "mode": settings["mode"],
        "pid": os.getpid(),
        "test": None,
        "python": "%d.%d.%d" % sys.version_info[:3],
        "executable": sys.executable,
        "reason": "unsupported Python: recordbake hooks CPython 3.10 and later",
    }
    name = "%d-%x-gap.ndjson" % (os.getpid(), int(time.time() * 1e9))
    with open(os.path.join(settings["shards"], name), "w") as stream:
        stream.write(json.dumps(event) + "\n")
    if settings["mode"] == "replay_strict":
        sys.stderr.write(
            "recordbake: %s (Python %s) cannot be hooked, so a strict replay cannot be "
            "guaranteed; it was stopped\n" % (sys.executable, event["python"])
        )
        sys.stderr.flush()
        os._exit(2)


def _failed(settings, error):  # type: (dict[str, Any], Exception) -> None
    """The hook itself failed, say because another user's process may not write the journal."""
    strict = settings["mode"] == "replay_strict"
    sys.stderr.write(
        "recordbake: process %d is not hooked: %s: %s%s\n"
        % (os.getpid(), type(error).__name__, error, "; it was stopped" if strict else "")
    )
    sys.stderr.flush()
    if strict:
        os._exit(2)


def _run_shadowed():  # type: () -> None
    """Import the sitecustomize behind ours, as Python would have without us."""
    ours = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401
    except ImportError as error:
        if getattr(error, "name", "sitecustomize") != "sitecustomize":
            raise
        if ours is not None:
            # The import system wants the name that it is loading to be there.
            sys.modules["sitecustomize"] = ours
