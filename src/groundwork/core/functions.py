"""Users' own Python functions: found by dotted path, run in a pool of their own with a deadline.

A function named in the configuration is `module:function`, where the module may live in the application's folder.
"""

import asyncio
import contextvars
import importlib
import inspect
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from groundwork.core.config import unknown
from groundwork.core.errors import ConfigError

_THREADS = 16
_TAKEN = sys.stdlib_module_names | {"groundwork"}
_pool: ThreadPoolExecutor | None = None


def load(path: str, root: Path, where: str) -> Callable[..., Any]:
    """The function `module:function`. Raises ConfigError with `where` for a missing module or name, or a module that fails to import."""
    module_name, _, name = path.partition(":")
    if not module_name or not name:
        raise ConfigError(f"{path!r} names no function", where=where, fix='write "module:function"')
    package = module_name.split(".", 1)[0]
    if package in _TAKEN and _is_here(package, root):
        raise ConfigError(f"{package!r} would hide the module of that name", where=where, fix=f"rename {package} in {root.name}/")
    _forget_foreign(package, root)
    sys.path.insert(0, str(root))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        ours = f"{module_name}.".startswith(f"{error.name}.")
        fix = f"put {module_name.replace('.', '/')}.py into {root.name}/" if ours else f"install it: {module_name} imports it"
        raise ConfigError(f"no module {error.name!r}", where=where, fix=fix) from None
    except Exception as error:
        raise ConfigError(
            f"{module_name} fails to import: {type(error).__name__}: {error}", where=where, fix="correct the module"
        ) from error
    finally:
        sys.path.remove(str(root))
    function = getattr(module, name, None)
    if not callable(function):
        names = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise unknown(f"function in {module_name}:", name, names, where)
    return function


def _is_here(package: str, root: Path) -> bool:
    return (root / package).exists() or (root / f"{package}.py").exists()


def _forget_foreign(package: str, root: Path) -> None:
    """Two applications in one process may each have a package of the same name: the other one's is let go."""
    loaded = sys.modules.get(package)
    if loaded is None or not _is_here(package, root):
        return
    files = [loaded.__file__] if getattr(loaded, "__file__", None) else [*getattr(loaded, "__path__", ())]  # a folder without __init__.py
    if any(Path(file).is_relative_to(root) for file in files if file):
        return
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]


async def call(function: Callable[..., Any], *arguments: Any, seconds: float, **named: Any) -> Any:
    """Call a user's function, async or not, off the event loop where it is not. Raises TimeoutError after `seconds`.

    One that calls `sys.exit` has failed like any other (RuntimeError): it does not end the server. A sync function cannot be stopped from outside: after its deadline its thread runs on, and nobody waits for it.
    """
    try:
        async with asyncio.timeout(seconds):
            if inspect.iscoroutinefunction(function):
                return await function(*arguments, **named)
            context = contextvars.copy_context()
            bound = partial(context.run, partial(function, *arguments, **named))
            answer = await asyncio.get_running_loop().run_in_executor(_threads(), bound)
            return await answer if inspect.isawaitable(answer) else answer  # a decorator may hide that it is async
    except SystemExit as error:
        raise RuntimeError(f"the function called sys.exit({error.code!r})") from error


def _threads() -> ThreadPoolExecutor:
    global _pool  # noqa: PLW0603  one pool a process, made when the first function is called
    if _pool is None:
        _pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="function")
    return _pool
