"""The section `[tools.NAME]`.

[tools.find_tickets]
run = "helpdesk.tools:find_tickets"
"""

from groundwork.core.config import Section
from groundwork.core.units import Duration


class ToolSection(Section, frozen=True, kw_only=True):
    """A typed Python function that a model may call; its signature is its schema, its docstring the description."""

    run: str
    write: bool = False
    """The function changes the world. Refused at start until write actions with approval exist."""
    timeout: Duration = Duration(10.0, "10s")
