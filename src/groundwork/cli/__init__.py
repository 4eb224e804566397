"""Floor 8: the command line. One lazy table of commands: `groundwork --help` imports none of them."""

from groundwork.cli.table import main

__all__ = ["main"]
