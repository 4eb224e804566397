"""A model alias by itself: no prompt, no documents, no tools, no kept answers. Rails, spans and traces stay."""

from dataclasses import replace

from groundwork.agents.loop import Agent
from groundwork.app.application import App, NoContext, Route, Router
from groundwork.app.cache import NoCache


def gateway_only(app: App, alias: str) -> App:
    """The application reduced to one of its models, for callers that ask for the alias by name. Raises KeyError for one it does not have."""
    route = Route(name=alias, model=alias, agent=Agent(app.models[alias], {}), prompt=None)
    _, _, tail = alias.partition("/")  # the router reads what follows a slash as a route's name
    return replace(app, router=Router(app.name, route, {tail: route} if tail else {}), context=NoContext(), cache=NoCache())
