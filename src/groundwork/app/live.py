"""The application that answers now. A release moves a pointer in the store; here the pointer is watched and the application swapped.

Requests that run keep the application they began with. A configuration that does not load leaves the old one serving, and says so.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

from groundwork.app.answer import answer as shipped_answer
from groundwork.app.application import App
from groundwork.app.carry import Answer, carry
from groundwork.app.compose import EJECTED, Resources, compose
from groundwork.app.config import Settings, check_folder, load
from groundwork.app.outlets import Discard
from groundwork.core import functions
from groundwork.core.errors import ConfigError, GroundworkError
from groundwork.core.ids import trace_id
from groundwork.core.message import Message, say
from groundwork.core.ports import Outlet
from groundwork.core.reply import Reply
from groundwork.core.request import Principal, Request
from groundwork.gateway.build import uses_embedded
from groundwork.store.folder import Folder
from groundwork.store.versions import StoredPrompt


class Live:
    """An application with its resources."""

    def __init__(self, app: App, resources: Resources, answer: Answer) -> None:
        self.app = app
        self.resources = resources
        self.problem = ""
        """Why the newest release is not serving, where it is not."""
        self._answer = answer

    @property
    def folder(self) -> Folder:
        return self.resources.folder

    async def reply(self, request: Request, out: Outlet | None = None, *, trace: str = "") -> Reply:
        """Answer a request and leave its trace."""
        return await carry(request, self.app, out or Discard(), self.folder.trace_store, trace=trace or trace_id(), answer=self._answer)

    async def ask(self, question: str, *, history: tuple[Message, ...] = ()) -> Reply:
        """Answer a question in plain words, as an internal user of this machine."""
        request = Request(messages=(*history, say("user", question)), model=self.app.name, principal=Principal(internal=True))
        return await self.reply(request)

    async def warm(self) -> None:
        """Load the weights that a question will need, so that the first one does not wait for them. Raises StoreError where they do not load."""
        config = self.app.settings.config
        rerank = config.context.retrieve.rerank if config.context is not None else None
        if config.context is not None:
            await self.resources.embedder.warm()
        if uses_embedded(config.models) or (rerank is not None and rerank.by == "embedded"):
            await self.resources.reader.warm()

    async def refresh(self) -> bool:
        """Take up a release that was made since; say whether there was one."""
        current = await self.folder.releases.current()
        identifier = current.id if current else ""
        if identifier == self.app.settings.release:
            return False
        try:
            app = await compose(await read_settings(self.app.settings.root, self.folder), self.resources)
            await remember(app, self.folder)
            self.app, self.problem = app, ""
        except GroundworkError as error:
            self.problem = f"release {identifier} does not load: {error.what}"
        return True

    async def watch(self, seconds: float = 0.5) -> None:
        """Look for a new release again and again, until cancelled; less often while the newest one does not load."""
        while True:
            await asyncio.sleep(10 * seconds if self.problem else seconds)
            with contextlib.suppress(GroundworkError):
                await self.refresh()


async def read_settings(root: Path, folder: Folder, *, release: str = "", change: str = "") -> Settings:
    """The settings of the current release (or of the one named, or with one more change laid over). Raises NotFound for unknown ids."""
    check_folder(root)
    chosen = await folder.releases.get(release) if release else await folder.releases.current()
    named = (*(chosen.changes if chosen else ()), *((change,) if change else ()))
    changes = [await folder.changes.get(identifier) for identifier in named]
    return load(root, changes=changes, release=chosen.id if chosen else "")


@contextlib.asynccontextmanager
async def open_live(root: Path, *, settings: Settings | None = None, folder: Folder | None = None) -> AsyncGenerator[Live, None]:
    """Open an application's folder, compose the application, and close everything again (but a folder that was passed in open).

    Raises ConfigError for what would not work.
    """
    root = root.resolve()
    resources = Resources(folder or Folder(root))
    try:
        settings = settings or await read_settings(root, resources.folder)
        app = await compose(settings, resources)
        await remember(app, resources.folder)
        yield Live(app, resources, _answer_of(root))
    finally:
        await resources.close()
        if folder is None:
            resources.folder.close()


async def remember(app: App, folder: Folder) -> None:
    """Keep the configuration and its prompts by their hashes, so that a trace can name them for ever."""
    prompts = [route.prompt for route in (app.router.default, *app.router.named.values()) if route.prompt]
    kept = {prompt.id: StoredPrompt(prompt.id, prompt.name, prompt.text, prompt.files) for prompt in prompts}
    await folder.versions.remember(app.config, app.settings.effective(), list(kept.values()))


def _answer_of(root: Path) -> Answer:
    if not (root / EJECTED).is_file():
        return shipped_answer
    ejected = functions.load("answer:answer", root, EJECTED)
    if getattr(ejected, "__module__", "") != "answer":
        raise ConfigError(
            f"{EJECTED} does not define `answer` itself", where=EJECTED, fix="keep `async def answer(request, app, out)` in it"
        )
    return ejected
