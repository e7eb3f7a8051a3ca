"""The command line: ``recordbake record|bake|replay|audit|verify|unpack``."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recordbake import __version__, settings
from recordbake.errors import EXIT_INTERRUPTED, EXIT_OK, RecordbakeError, StorageError, UsageError
from recordbake.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_EXIT_CODES = """\
exit codes:
  0   done; in a replay: everything was answered from the store
  N   the command's own exit code, where the command failed
  2   wrong usage or configuration
  10  strict mode: there were live misses or leaks, or a process was neither hooked nor held
  11  the command passed, but the recording is incomplete
  12  a store, journal or bake is missing, damaged or not what its manifest says
  13  the audit found what --fail-on names
"""
_EXAMPLES = """\
examples:
  recordbake record -- pytest -q            run once online, keep everything
  recordbake bake                           make archives of the recording
  recordbake replay --strict -- pytest -q   run offline; a miss fails the run
  recordbake audit                          write reports/audit.html
"""

#: Command -> options of :mod:`recordbake.settings` that it takes as flags.
_RUN = ("recording", "runs_dir", "capture_loopback", "ignore_hosts", "volatile_parameters",
        "untested_clients")  # fmt: skip
_TAKES = {
    "record": (*_RUN, "retry_statuses", "retry_max_wait", "allow_errors"),
    "replay": (*_RUN, "hub_cache", "isolation", "strict_tests"),
    "bake": ("recording",),
    "audit": ("recording", "runs_dir", "reports", "stale_after_days"),
}


def _add_options(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    for name in names:
        declared = settings.OPTIONS[name]
        arguments: dict[str, Any] = {
            "dest": name,
            "default": None,
            "help": declared.metadata["help"],
        }
        if declared.type == "bool":
            arguments["action"] = argparse.BooleanOptionalAction
        else:
            arguments["metavar"] = "DIR" if "Path" in str(declared.type) else "VALUE"
        parser.add_argument(settings.flag_name(name), **arguments)


def build_parser() -> argparse.ArgumentParser:
    """The parser with all commands; docs/reference/cli.md is checked against it."""
    parser = argparse.ArgumentParser(
        prog="recordbake",
        description="Record a test suite's HTTP and Hugging Face Hub traffic once, bake it, and "
        "replay it offline in CI.",
        epilog=f"{_EXAMPLES}\n{_EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"recordbake {__version__}")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    commands = parser.add_subparsers(dest="action", metavar="COMMAND", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        _add_options(added, _TAKES.get(name, ()))
        return added

    record = add("record", "run a command online and keep every HTTP exchange")
    record.add_argument(
        "--missing", action="store_true", help="fetch only what the recording does not have"
    )
    replay = add("replay", "run a command with its requests answered from the recording")
    replay.add_argument(
        "--strict", action="store_true", help="block what is not recorded, and fail the run"
    )
    for with_command in (record, replay):
        with_command.usage = f"{with_command.prog} [options] -- COMMAND..."
    bake = add("bake", "turn the recording into reproducible archives")
    bake.add_argument("--out", type=Path, metavar="DIR", help="where to (default: bake/ in it)")
    audit = add("audit", "report misses, sizes and stale entries, and say what to re-record")
    audit.add_argument("--out", dest="reports", metavar="DIR", help="the same as --reports")
    audit.add_argument("--format", default="html,json,markdown", help="html,json,markdown")
    audit.add_argument("--fail-on", default="", metavar="KINDS", help="findings that exit with 13")
    verify = add("verify", "check a bake against its manifest")
    verify.add_argument("bake", type=Path, metavar="BAKE", help="directory of the bake")
    unpack = add("unpack", "verify a bake and unpack it")
    unpack.add_argument("bake", type=Path, metavar="BAKE", help="directory of the bake")
    unpack.add_argument("--to", type=Path, required=True, metavar="DIR", help="where to")
    return parser


def _settings(arguments: argparse.Namespace) -> settings.Settings:
    flags: dict[str, Any] = {}
    for name in _TAKES.get(arguments.action, ()):
        value = getattr(arguments, name, None)
        if isinstance(value, str):
            value = settings.from_text(name, value, settings.flag_name(name))
        flags[name] = value
    if flags.get("recording") is None and arguments.action in ("replay", "audit"):
        flags["recording"] = _unpacked_bake()
    return settings.load(flags)


def _unpacked_bake() -> Path | None:
    """The bake that ``HTTP_CACHE_DIR`` names, as an image sets it; ``--recording`` wins over it."""
    named = os.environ.get("HTTP_CACHE_DIR")
    if not named or settings.variable_name("recording") in os.environ:
        return None
    path = Path(named).absolute()
    if path.name != "http_cache":
        raise UsageError(
            "HTTP_CACHE_DIR does not name the http_cache directory of an unpacked bake",
            where=path,
            next_step="unset it, or let it end in /http_cache",
        )
    return path.parent


def _record(arguments: argparse.Namespace) -> int:
    from recordbake.runner import run_command

    return run_command(_settings(arguments), "record", arguments.command, missing=arguments.missing)


def _replay(arguments: argparse.Namespace) -> int:
    from recordbake.runner import run_command

    mode = "replay_strict" if arguments.strict else "replay"
    return run_command(_settings(arguments), mode, arguments.command)


def _bake(arguments: argparse.Namespace) -> int:
    from recordbake.bake import bake
    from recordbake.locks import recording_lock
    from recordbake.runs import recover

    recording = Recording(_settings(arguments).recording_path)
    recover(recording)
    out = arguments.out or recording.bake_dir
    with recording_lock(recording.path, shared=True):
        manifest = bake(recording, out)
    print(manifest.describe(out))
    return EXIT_OK


def _verify(arguments: argparse.Namespace) -> int:
    from recordbake.bake import verify

    print(verify(arguments.bake).describe(arguments.bake))
    return EXIT_OK


def _unpack(arguments: argparse.Namespace) -> int:
    from recordbake.bake import unpack

    print(unpack(arguments.bake, arguments.to).describe(arguments.to))
    return EXIT_OK


def _audit(arguments: argparse.Namespace) -> int:
    from recordbake import store
    from recordbake.audit import audit
    from recordbake.runs import recover, writable_runs_dir

    found = _settings(arguments)
    recording = Recording(found.recording_path, found.runs_dir)
    recover(writable_runs_dir(recording))
    store.settle(recording.store)
    result = audit(
        recording,
        found.root / found.reports,
        formats=tuple(part for part in arguments.format.split(",") if part),
        stale_after_days=found.stale_after_days,
        fail_on=frozenset(part for part in arguments.fail_on.split(",") if part),
    )
    print(result.verdict.sentence)
    if result.verdict.command:
        print(f"  {result.verdict.command}")
    for path in result.paths:
        print(path)
    return result.exit_code


_ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "record": _record,
    "replay": _replay,
    "bake": _bake,
    "verify": _verify,
    "unpack": _unpack,
    "audit": _audit,
}


@contextmanager
def system_errors() -> Iterator[None]:
    """Turn the operating system's errors into ours."""
    try:
        yield
    except OSError as error:
        raise StorageError(error) from error


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the entry point of ``recordbake``.

    Returns:
        The exit code.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    dashes = words.index("--") if "--" in words else len(words)
    arguments = build_parser().parse_args(words[:dashes])
    arguments.command = words[dashes + 1 :]  # all of it, with any -- of its own
    try:
        with system_errors():
            return _ACTIONS[arguments.action](arguments)
    except RecordbakeError as error:
        if arguments.debug:
            traceback.print_exc()
        sys.stderr.write(
            f"recordbake: error: {error}\n  more:  docs/reference/errors.md#{error.anchor}\n"
        )
        return error.exit_code
    except KeyboardInterrupt:
        if arguments.debug:
            traceback.print_exc()
        sys.stderr.write("recordbake: interrupted\n")
        return EXIT_INTERRUPTED
