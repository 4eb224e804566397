"""The catalogue of prompts: every version that ever answered here, where it is used, and an application with another version in place."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from groundwork.agents.loop import Agent
from groundwork.app.application import App, Route, Router
from groundwork.app.compose import PROMPTS, read_prompts
from groundwork.app.config import Settings
from groundwork.core.config import unknown
from groundwork.core.errors import InputError
from groundwork.core.ids import hash_of, kind_of
from groundwork.prompts.beside import as_kept, in_folder
from groundwork.prompts.file import SUFFIX, parse_prompt
from groundwork.prompts.front_matter import Prompt
from groundwork.prompts.steps import shaped
from groundwork.store.folder import Folder
from groundwork.store.versions import StoredPrompt


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a prompt and everything that used it."""

    id: str
    name: str
    current: bool
    """In force now."""
    first_seen: float | None
    """Unix seconds; None for one that has not answered yet."""
    settings: tuple[str, ...]
    """The keys of groundwork.toml that name the prompt, for the version in force."""
    answers: int
    runs: tuple[str, ...]
    changes: tuple[str, ...]
    releases: tuple[str, ...]


async def catalogue(settings: Settings, folder: Folder, *, every: bool = False) -> list[Version]:
    """The prompts in force by name; with `every`, all versions that ever answered, newest first within a name."""
    current = read_prompts(settings)
    kept = {one.id: one for one in await folder.versions.prompts()}
    listed = {prompt.id: StoredPrompt(prompt.id, name, prompt.text) for name, prompt in current.items()}
    if every:
        listed |= {identifier: one for identifier, one in kept.items() if identifier not in listed}
    rows = [
        await _version(one, kept.get(one.id), settings, folder, is_current=one.id in {p.id for p in current.values()})
        for one in listed.values()
    ]
    return sorted(rows, key=lambda row: (row.name, not row.current, -(row.first_seen or 0.0)))


async def _version(one: StoredPrompt, kept: StoredPrompt | None, settings: Settings, folder: Folder, *, is_current: bool) -> Version:
    made_from = await folder.lineage.descendants(one.id)
    changes = [
        change for change in await folder.changes.list(limit=1000) if change.path == f"prompts.{one.name}" and change.after == one.text
    ]
    names = {change.id for change in changes}
    releases = [release.id for release in await folder.releases.list(limit=1000) if names & set(release.changes)]
    return Version(
        id=one.id,
        name=one.name,
        current=is_current,
        first_seen=kept.first_seen if kept else None,
        settings=settings_naming(one.name, settings) if is_current else (),
        answers=await folder.trace_store.count(prompt=one.id),
        runs=tuple(identifier for identifier in made_from if kind_of(identifier) == "run"),
        changes=tuple(change.id for change in changes),
        releases=tuple(releases),
    )


def settings_naming(name: str, settings: Settings) -> tuple[str, ...]:
    """The keys of groundwork.toml that name a prompt."""
    routes = settings.config.routes.named
    named = {"app.prompt": settings.config.app.prompt} | {
        f"routes.named.{route}.prompt": section.prompt for route, section in routes.items()
    }
    return tuple(key for key, value in named.items() if value == name)


async def find_prompt(reference: str, settings: Settings, folder: Folder) -> Prompt:
    """A prompt by its name (as in force), by a version's id (`pr_…`, its beginning is enough), or by a file.

    Raises InputError for what names none or several; ConfigError for a file that is no sound prompt.
    """
    current = read_prompts(settings)
    if reference in current:
        return current[reference]
    if reference.startswith("pr_"):
        found = [one for one in await folder.versions.prompts() if one.id.startswith(reference)]
        if len(found) == 1:
            return parse_prompt(found[0].text, found[0].name, found[0].id, as_kept(found[0].files))
        how_many = "several versions begin" if found else "no version begins"
        raise InputError(f"{how_many} with {reference}", fix="see `groundwork prompts list --all`", param="prompt")
    path = Path(reference)
    if path.is_file() or path.name.endswith(SUFFIX):
        return _from_file(path, current, settings)
    error = unknown("prompt", reference, current)
    raise InputError(error.what, fix=error.fix, param="prompt")


def _from_file(path: Path, current: Mapping[str, Prompt], settings: Settings) -> Prompt:
    """A variation in a file: of the prompt that its name says, or of the only one there is."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}", fix="name an existing UTF-8 file") from None
    own = path.name.removesuffix(SUFFIX)
    name = own if own in current else next(iter(current)) if len(current) == 1 else own
    folder = settings.root / PROMPTS if path.parent == Path() else path.parent
    return parse_prompt(text, name, path.name, in_folder(folder))


def with_prompt(app: App, prompt: Prompt) -> App:
    """The application with another version of one of its prompts, under a configuration hash of its own.

    Raises InputError where no route uses a prompt of that name.
    """
    routes: Sequence[Route] = (app.router.default, *app.router.named.values())
    used = {route.prompt.name for route in routes if route.prompt}
    if prompt.name not in used:
        error = unknown("prompt", prompt.name, used)
        raise InputError(error.what, fix=error.fix, param="prompt")

    def changed(route: Route) -> Route:
        if route.prompt is None or route.prompt.name != prompt.name:
            return route
        return Route(route.name, route.model, Agent(shaped(app.models[route.model], prompt), route.agent.tools), prompt)

    named = {name: changed(route) for name, route in app.router.named.items()}
    router = Router(app.name, changed(app.router.default), named, app.router.chooser)
    config = f"cfg_{hash_of([app.config, prompt.id])[:32]}"
    return replace(app, router=router, config=config, versions=msgspec.structs.replace(app.versions, config=config))
