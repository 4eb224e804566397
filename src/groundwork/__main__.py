"""`python -m groundwork`, where the command is not on the path."""

from groundwork.cli import main

main()
