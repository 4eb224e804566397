"""What scorers measure with: models, the encoder, the sandbox, stored traces. Each is opened when it is first asked for."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from groundwork.core.errors import ConfigError
from groundwork.core.ports import Embedder, Model
from groundwork.core.record import Trace

if TYPE_CHECKING:
    from groundwork.secure.sandbox import Sandbox


class Instruments:
    """Ways to get at what a scorer needs. The default has none: asking for one raises ConfigError, so that a scorer says what it lacks.

    Whoever opens them closes them: `evaluate/opening.py` for a suite.
    """

    def __init__(
        self,
        *,
        model: Callable[[str], Model] | None = None,
        embedder: Callable[[], Awaitable[Embedder]] | None = None,
        sandbox: "Callable[[], Awaitable[Sandbox]] | None" = None,
        trace: Callable[[str], Awaitable[Trace | None]] | None = None,
    ) -> None:
        self._model = model
        self._embedder = embedder
        self._sandbox = sandbox
        self._trace = trace

    def model(self, name: str) -> Model:
        """A model by its alias or `provider/model`: what a judge asks. Raises ConfigError for an unknown one."""
        if self._model is None:
            raise _missing(f"the model `{name}`")
        return self._model(name)

    async def embedder(self) -> Embedder:
        if self._embedder is None:
            raise _missing("the encoder")
        return await self._embedder()

    async def sandbox(self) -> "Sandbox":
        """Where programs that a model wrote are run. Raises ConfigError where this system cannot isolate them."""
        if self._sandbox is None:
            raise _missing("the sandbox")
        return await self._sandbox()

    async def trace(self, identifier: str) -> Trace | None:
        """The stored trace of an answer; None where the target left none."""
        return await self._trace(identifier) if self._trace is not None and identifier else None


def _missing(what: str) -> ConfigError:
    return ConfigError(f"{what} is not at hand here", fix="evaluate a suite with `groundwork eval`, or pass `instruments` to `evaluate`")
