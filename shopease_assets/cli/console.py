"""Where verbs print: the terminal's width, or a wide page when piped, so that no table is folded into ribbons."""

import sys

from rich.console import Console
from rich.markup import escape

_PIPED_WIDTH = 200


def console(*, stderr: bool = False) -> Console:
    """A console on standard output (or error)."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else _PIPED_WIDTH, highlight=False, emoji=False)


def print_error(message: str) -> None:
    """One line on standard error, however long."""
    Console(stderr=True, soft_wrap=True, highlight=False, emoji=False).print(f"[bold red]error:[/] {escape(message)}")
