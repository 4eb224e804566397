"""`groundwork model`: which model answers, and how to change that without an editor."""

import re
from pathlib import Path

import click

from groundwork.app.config import FILE, Settings, load
from groundwork.cli.terminal import app_option, json_option, out, out_json, talk
from groundwork.core.config import read_toml
from groundwork.core.errors import ConfigError
from groundwork.gateway.config import BUILT_IN

EPILOG = """\b
Examples:
  groundwork model
  groundwork model openai/gpt-4o-mini
  groundwork model local/qwen3-8b --base-url http://127.0.0.1:8000/v1"""


@click.command(epilog=EPILOG)
@click.argument("target", required=False)
@click.option("--base-url", help="Of an OpenAI-compatible server, for a provider that is not in the file yet.")
@click.option("--key", help="The environment variable with the provider's key.", metavar="NAME")
@app_option
@json_option
def command(target: str | None, base_url: str | None, key: str | None, root: Path, as_json: bool) -> None:
    """Show the models, or let TARGET (PROVIDER/MODEL, `auto` or `embedded`) answer from now on.

    The change is made in groundwork.toml, whose comments and order stay as they are.
    """
    settings = load(root)
    if target is None:
        models = {alias: list(model.targets) for alias, model in settings.config.models.items()}
        if as_json:
            out_json({"default": settings.default_model, "models": models})
            return
        for alias, targets in models.items():
            out(f"{alias}{' (default)' if alias == settings.default_model else ''}: {', '.join(targets)}")
        return
    before = (root / FILE).read_text(encoding="utf-8")
    after = changed(before, settings, target, base_url, key)
    (root / FILE).write_text(after, encoding="utf-8")
    try:
        load(root)
    except ConfigError:
        (root / FILE).write_text(before, encoding="utf-8")
        raise
    talk(f"{settings.default_model} answers with {target} from now on (groundwork.toml). Restart a running server.")


def changed(text: str, settings: Settings, target: str, base_url: str | None, key: str | None) -> str:
    """The file with the default model's targets replaced, and the provider added where it is missing. Raises ConfigError."""
    alias = settings.default_model
    line = read_toml(settings.root / FILE).lines.get(("models", alias, "targets"))
    rows = text.splitlines(keepends=True)
    if line is None or not re.search(r"targets\s*=\s*\[[^\]\n]*\]", rows[line - 1]):
        raise ConfigError(
            f"the targets of `models.{alias}` do not stand on one line", where=f"{FILE}:{line or 1}", fix="change them in the file"
        )
    rows[line - 1] = re.sub(r"targets(\s*)=(\s*)\[[^\]\n]*\]", lambda found: f'targets{found[1]}={found[2]}["{target}"]', rows[line - 1])
    provider = target.partition("/")[0]
    if target not in BUILT_IN and provider not in settings.config.providers:
        rows.append(_provider(provider, base_url, key))
    return "".join(rows)


def _provider(name: str, base_url: str | None, key: str | None) -> str:
    if name != "openai" and base_url is None:
        raise ConfigError(f"there is no provider {name!r} yet", fix="say where it is: --base-url http://127.0.0.1:8000/v1")
    variable = key or ("OPENAI_API_KEY" if name == "openai" else None)
    rows = [f"\n[providers.{name}]", 'kind = "openai"']
    rows += [f'base_url = "{base_url}"'] if base_url else []
    rows += [f'key = "env:{variable}"'] if variable else []
    return "\n".join(rows) + "\n"
