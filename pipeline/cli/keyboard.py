"""The terminal of a coder: keys without Enter, lines wrapped to the window."""

from __future__ import annotations

import os
import sys
import termios
import tty

from rich.console import Console


class Keyboard:
    """Standard input and output."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)

    def show(self, text: str, *, strong: bool = False) -> None:
        """Print ``text`` as it is, wrapped at spaces; ``strong``: bold."""
        self._console.print(text, style="bold" if strong else None, markup=False)

    def key(self) -> str:
        """The next key; empty when it was Ctrl-C or the terminal is gone. Keys that are pressed early are not lost."""
        terminal = sys.stdin.fileno()
        try:
            before = termios.tcgetattr(terminal)
            try:
                tty.setcbreak(terminal, termios.TCSADRAIN)
                return os.read(terminal, 1).decode("ascii", errors="replace")
            finally:
                termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        except (KeyboardInterrupt, OSError, termios.error):
            return ""

    def line(self, prompt: str) -> str:
        """A line that is typed; empty when it was broken off."""
        try:
            return self._console.input(prompt, markup=False)
        except (KeyboardInterrupt, EOFError):
            return ""
