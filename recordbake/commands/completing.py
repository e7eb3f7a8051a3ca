"""What a shell is offered where an argument is not one of a few words: what is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

_MOST = 200


def complete(parser: argparse.ArgumentParser) -> None:
    """Answer a shell that asks, and end; else do nothing. Only to be called where one does."""
    import argcomplete

    argcomplete.autocomplete(parser, always_complete_options=False)


def urls(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """URLs of the recording."""
    return _recorded(prefix, parsed_args, "SELECT DISTINCT url FROM entries")


def tests(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """Tests that recorded something."""
    return _recorded(prefix, parsed_args, "SELECT DISTINCT test FROM uses WHERE test IS NOT NULL")


def _recorded(prefix: str, arguments: argparse.Namespace, query: str) -> list[str]:
    from contextlib import closing

    from recordbake.commands import options
    from recordbake.recording import Recording
    from recordbake.store import connect_readonly

    try:
        path = options.load(arguments, ("recording",), reads=True).recording_path
        with closing(connect_readonly(Recording(path).store)) as connection:
            names = [str(row[0]) for row in connection.execute(query)]
    except Exception:  # noqa: BLE001  # a shell is no place for an error: nothing is offered
        return []
    return sorted(name for name in names if name.startswith(prefix))[:_MOST]
