"""`groundwork keys`: API keys, of which only a hash is kept."""

from pathlib import Path

import click

from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import app_option, json_option, moment, out, out_json, run, table, talk
from groundwork.store.keys import ApiKey


@click.group(epilog="\b\nExample:\n  groundwork keys create team-search --internal")
def command() -> None:
    """Make, list and revoke API keys."""


@command.command(epilog="\b\nExample:\n  groundwork keys create team-search --tenant acme")
@click.argument("name")
@click.option("--tenant", default="local", show_default=True, help="Whose data its requests see.")
@click.option("--user", help="Who its requests come from.  [default: NAME]")
@click.option("--group", "groups", multiple=True, help="A group that the user belongs to; may be repeated.")
@click.option("--internal", is_flag=True, help="Admitted while the application's autonomy is `walk`.")
@click.option(
    "--on-behalf-of", is_flag=True, help="Its holder may name another user and groups by header. For programs that have checked who asks."
)
@app_option
@json_option
def create(
    name: str, tenant: str, user: str | None, groups: tuple[str, ...], internal: bool, on_behalf_of: bool, root: Path, as_json: bool
) -> None:
    """Make a key and print it, once. What its requests may see follows from its tenant, user and groups alone."""
    folder = open_folder(root)
    try:
        made = folder.keys.create(name, tenant=tenant, user=user, groups=groups, internal=internal, on_behalf_of=on_behalf_of)
        clear, record = run(made)
    finally:
        folder.close()
    if as_json:
        out_json({"id": record.id, "name": record.name, "key": clear})
        return
    talk(f"The key of {name!r}, shown this once:")
    out(clear)


@command.command(name="list", epilog="\b\nExample:\n  groundwork keys list --json")
@app_option
@json_option
def list_(root: Path, as_json: bool) -> None:
    """List the keys, without what opens anything."""
    folder = open_folder(root)
    try:
        keys = run(folder.keys.list())
    finally:
        folder.close()
    if as_json:
        out_json(keys)
        return
    rows = [(key.id, key.name, key.principal.tenant, _who(key), moment(key.made), "revoked" if key.revoked else "in force") for key in keys]
    table(rows, ("id", "name", "tenant", "user", "made", "state"))


def _who(key: ApiKey) -> str:
    """The user behind a key, with groups; a star where the key may name others."""
    groups = f" ({', '.join(key.principal.groups)})" if key.principal.groups else ""
    return f"{key.principal.user}{groups}{' *' if key.principal.on_behalf_of else ''}"


@command.command(epilog="\b\nExample:\n  groundwork keys revoke team-search")
@click.argument("name")
@app_option
def revoke(name: str, root: Path) -> None:
    """Take a key back; from the next request on it opens nothing."""
    folder = open_folder(root)
    try:
        run(folder.keys.revoke(name))
    finally:
        folder.close()
    talk(f"{name!r} is revoked.")
