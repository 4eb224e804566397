"""Routes chosen by intent, through the application: what the message is about decides who answers."""

from pathlib import Path

import pytest

from groundwork.app.application import Router
from groundwork.app.catalog import with_prompt
from groundwork.app.choosing import DEFAULT
from groundwork.app.live import Live, open_live
from groundwork.core.errors import ConfigError, InputError, StoreError
from groundwork.engine.encoder import Encoder
from groundwork.tuning.prepare.intents import read_intents
from groundwork.tuning.router.fit import Fitted, fit_router, write_router
from tests.app.conftest import traces
from tests.app.test_answer import ask
from tests.apps import write_play

INTENTS = Path(__file__).parents[1] / "data" / "routing" / "intents.toml"
LINES = [{"match": ".*", "answer": "Hello."}]
ROUTES = """
[models.clerk]
targets = ["stage/two"]
[routes]
default = "quick"
by = "shop"
[routes.named.returns]
to = "clerk"
intents = ["refund", "cancel"]
[routes.named.parcel]
to = "clerk"
"""


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit_router(read_intents(INTENTS), Encoder(), name="shop")


def app(root: Path, fitted: Fitted, *, more: str = ROUTES) -> Path:
    write_play(root, LINES, more=more)
    write_router(fitted, root / ".groundwork" / "models" / "shop")
    return root


@pytest.mark.parametrize(
    ("said", "route", "intent", "in_scope"),
    [
        ("I want my money back for these shoes", "returns", "refund", True),
        ("please cancel my order right away", "returns", "cancel", True),
        ("where is my parcel now", "parcel", "parcel", True),
        ("I forgot my password again", "default", "account", True),
        ("who wrote Hamlet", "default", None, False),
    ],
)
async def test_the_intent_chooses_the_route(tmp_path, fitted, said, route, intent, in_scope):
    async with open_live(app(tmp_path, fitted)) as live:
        await live.reply(ask(said))
        (trace,) = await traces(live)
    assert trace.route == route
    assert trace.versions.router == fitted.manifest.fingerprint
    (span,) = [span for span in trace.spans if span.name == "route by intent"]
    assert span.attributes["groundwork.router"] == fitted.manifest.fingerprint
    assert span.attributes["groundwork.router.in_scope"] is in_scope
    assert intent in {None, span.attributes["groundwork.router.intent"]}
    assert said not in str(span.attributes)


async def test_a_route_that_is_named_needs_no_intent(tmp_path, fitted):
    async with open_live(app(tmp_path, fitted)) as live:
        await live.reply(ask("I want my money back", model="play/parcel"))
        (trace,) = await traces(live)
        with pytest.raises(InputError, match="unknown route `nowhere`"):
            await live.reply(ask("I want my money back", model="play/nowhere"))
    assert trace.route == "parcel"
    assert trace.versions.router == ""
    assert "route by intent" not in {span.name for span in trace.spans}


async def test_another_router_is_another_configuration(tmp_path, fitted):
    root = app(tmp_path, fitted)
    async with open_live(root) as live:
        before = live.app.config
    write_router(fit_router(read_intents(INTENTS), Encoder(), name="shop", false_rejection=0.2), root / ".groundwork" / "models" / "shop")
    async with open_live(root) as live:
        assert live.app.config != before


async def test_the_chooser_stays_when_a_prompt_is_replaced(tmp_path, fitted):
    root = app(tmp_path, fitted, more=ROUTES)
    text = (root / "groundwork.toml").read_text().replace('name = "play"', 'name = "play"\nprompt = "short"', 1)
    (root / "groundwork.toml").write_text(text)
    (root / "prompts").mkdir()
    (root / "prompts" / "short.prompt.md").write_text('+++\ninputs = ["question"]\n+++\n# user\n{{ question }}\n')
    async with open_live(root) as live:
        changed = with_prompt(live.app, live.app.router.default.prompt)
        assert changed.router.chooser is live.app.router.chooser
        assert changed.router.chooser.fingerprint == fitted.manifest.fingerprint


async def opened(root: Path) -> Live:
    async with open_live(root) as live:
        return live


@pytest.mark.parametrize(
    ("before", "after", "said", "fix"),
    [
        ('by = "shop"', 'by = "shp"', "unknown router `shp`", "did you mean `shop`"),
        ('"refund", "cancel"', '"refund", "cancle"', "unknown intent `cancle`", "did you mean `cancel`"),
        ('"refund", "cancel"', '"refund", "parcel"', "the intent `parcel` leads to `returns` already", "one route"),
        ('by = "shop"\n', "", "there are intents, and nothing that recognises them", "by ="),
        (ROUTES.partition("[routes.named")[2].join(["[routes.named", ""]), "", "`shop` has no route to choose", "account, cancel"),
    ],
)
async def test_what_leads_nowhere_is_refused_with_its_line(tmp_path, fitted, before, after, said, fix):
    assert before in ROUTES
    root = app(tmp_path, fitted, more=ROUTES.replace(before, after))
    with pytest.raises(ConfigError) as caught:
        await opened(root)
    assert said in str(caught.value)
    assert fix in caught.value.fix
    assert caught.value.where.startswith("groundwork.toml:") or "groundwork.toml:" in caught.value.where


async def test_a_router_that_was_never_made_names_the_command(tmp_path):
    write_play(tmp_path, LINES, more=ROUTES)
    with pytest.raises(ConfigError, match="there is no router `shop`") as caught:
        await opened(tmp_path)
    assert caught.value.fix == "make it: groundwork tune router shop.toml"


async def test_a_damaged_router_is_refused(tmp_path, fitted):
    root = app(tmp_path, fitted)
    (file,) = (root / ".groundwork" / "models" / "shop").glob("head-*.bin")
    file.write_bytes(file.read_bytes()[::-1])
    with pytest.raises(StoreError, match="is damaged"):
        await opened(root)


async def test_without_a_router_no_route_is_chosen():
    assert await DEFAULT.choose(ask("hello")) == ""
    assert Router.__init__.__defaults__ == (DEFAULT,)
