"""Keys: a hash is kept, the key is shown once."""

import hashlib
from pathlib import Path

import pytest

from groundwork.core.errors import InputError, NotFound
from groundwork.core.request import Principal
from groundwork.store.database import Database
from groundwork.store.keys import KeyTable


async def test_only_the_hash_of_a_key_is_kept(state: Database, tmp_path: Path) -> None:
    clear, record = await KeyTable(state).create("search", tenant="acme")
    assert clear.startswith("gw-")
    assert len(clear) > 40
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert clear.encode() not in written
    assert clear[3:].encode() not in written
    assert hashlib.sha256(clear.encode()).digest() in written
    assert record.id.startswith("key_")


async def test_a_key_finds_its_holder_and_nothing_else_does(state: Database) -> None:
    keys = KeyTable(state)
    clear, record = await keys.create("search", tenant="acme", internal=True)
    assert await keys.find(clear) == Principal(tenant="acme", user="search", key=record.id, internal=True)
    for wrong in ("", clear[:-1], clear + "x", clear.upper(), record.id, "search", "' OR 1=1 --"):
        assert await keys.find(wrong) is None


async def test_a_revoked_key_opens_nothing_and_its_name_is_free(state: Database) -> None:
    keys = KeyTable(state)
    clear, record = await keys.create("search")
    with pytest.raises(InputError, match="already"):
        await keys.create("search")
    await keys.revoke("search")
    assert await keys.find(clear) is None
    again, _ = await keys.create("search")
    assert again != clear
    assert [(key.id == record.id, key.revoked is not None) for key in await keys.list()] == [(True, True), (False, False)]
    for name in ("search2", record.id):
        with pytest.raises(NotFound, match="in force"):
            await keys.revoke(name)
    await keys.revoke((await keys.list())[1].id)
    assert await keys.find(again) is None


async def test_a_key_carries_who_its_requests_are_from(state: Database) -> None:
    keys = KeyTable(state)
    clear, _ = await keys.create("anna", user="anna.b", groups=("hr", "press"))
    portal, _ = await keys.create("portal", tenant="acme", on_behalf_of=True)
    found = await keys.find(clear)
    assert found is not None
    assert (found.user, found.groups, found.on_behalf_of) == ("anna.b", ("hr", "press"), False)
    other = await keys.find(portal)
    assert other is not None
    assert (other.tenant, other.user, other.groups, other.on_behalf_of) == ("acme", "portal", (), True)
