"""``recordbake completion``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recordbake.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse

HELP = "print what completes recordbake's words in a shell"
OPTIONS = ()
EXITS = ("0", "2")
DETAILS = """\
Commands, options, their values, and what is recorded: `recordbake show --test` completes the names
of tests. bash and zsh: evaluate it in `~/.bashrc` or `~/.zshrc`; fish: write it to
`~/.config/fish/completions/recordbake.fish`.
"""
EXAMPLES = """\
eval "$(recordbake completion bash)"
eval "$(recordbake completion zsh)"
recordbake completion fish > ~/.config/fish/completions/recordbake.fish
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell")


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from argcomplete.shell_integration import shellcode

    print(shellcode(["recordbake"], shell=arguments.shell))
    return EXIT_OK
