"""The numbers groundwork is held to, each measured by a command: `python -m benchmarks.NAME [--quick]`.

Every command prints lines for people and, as its last line, one JSON object (`benchmarks/report.py`). They time CPU and ratios, since
the cores may be shared. What a rival needs that cannot be had is named as absent, never guessed.
"""
