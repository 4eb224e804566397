"""`groundwork up`: serve the application. What is not indexed yet is indexed first."""

from pathlib import Path

import click

from groundwork.app.live import open_live, read_settings
from groundwork.cli.index import index_documents
from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import app_option, bold, dim, run, talk
from groundwork.gateway.build import uses_auto
from groundwork.gateway.providers.auto import advice

EPILOG = """\b
Example:
  groundwork up
  curl http://127.0.0.1:8321/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"model": "app", "messages": [{"role": "user", "content": "What is this about?"}]}'"""


@click.command(epilog=EPILOG)
@click.option("--host", help="Address to listen on; the configuration's, else 127.0.0.1.")
@click.option("--port", type=int, help="Port to listen on; the configuration's, else 8321. 0 takes a free one.")
@click.option("--no-index", is_flag=True, help="Serve what is indexed now, without looking for changed documents.")
@app_option
def command(host: str | None, port: int | None, no_index: bool, root: Path) -> None:
    """Serve the application behind an OpenAI-compatible API, with a page at /."""
    from groundwork.server.run import loop_factory

    run(_up(root.resolve(), host, port, index=not no_index), loop_factory=loop_factory())


async def _up(root: Path, host: str | None, port: int | None, *, index: bool) -> None:
    from groundwork.server.run import serve

    folder = open_folder(root)
    try:
        settings = await read_settings(root, folder)
        if index and settings.config.context is not None:
            await index_documents(settings, folder)
        async with open_live(root, settings=settings, folder=folder) as live:
            if uses_auto(live.app.settings.config.models) and advice():
                talk(dim(advice()))
            section = live.app.settings.config.server
            await live.warm()
            await serve(live, section.host if host is None else host, section.port if port is None else port, ready=_say_ready)
    finally:
        folder.close()


def _say_ready(address: str, app: str) -> None:
    talk(f"{bold(app)} is at {bold(address)}  {dim(f'(API: {address}/v1, model {app!r}; stop with Ctrl-C)')}")
