"""groundwork: applications on foundation models, from the first answer to a gated release.

The names below load when they are first used, so that `import groundwork` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "ask": "groundwork.app.library",
    "open_app": "groundwork.app.library",
    "run": "groundwork.app.library",
}

__all__ = ["__version__", "ask", "open_app", "run"]

if TYPE_CHECKING:
    from groundwork.app.library import ask, open_app, run


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'groundwork' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value
