import pytest

from groundwork.core.access import allows, reader, readers_of
from groundwork.core.request import Principal


def test_a_principal_is_everything_that_a_rule_may_name() -> None:
    anna = Principal(tenant="acme", user="anna", groups=("legal", "board", "legal"))
    assert readers_of(anna) == ("everyone", "tenant:acme", "user:acme/anna", "group:acme/board", "group:acme/legal")
    assert readers_of(Principal()) == ("everyone", "tenant:local")


def test_users_of_one_name_in_two_tenants_are_strangers() -> None:
    rules = [[reader("user:anna"), reader("group:legal")]]
    assert allows(rules, readers_of(Principal(user="anna")))
    assert not allows(rules, readers_of(Principal(tenant="acme", user="anna", groups=("legal",))))
    assert allows([[reader("group:acme/legal")]], readers_of(Principal(tenant="acme", user="x", groups=("legal",))))


def test_a_user_cannot_be_named_into_a_group_or_another_tenant() -> None:
    sly = Principal(tenant="local", user="group:legal", groups=("x/legal", "acme/legal"))
    for rule in ("group:legal", "group:acme/legal", "group:x/legal", "tenant:acme"):
        assert not allows([[reader(rule)]], readers_of(sly)), rule


def test_a_slash_in_a_name_moves_nobody_to_another_tenant() -> None:
    rule = [[reader("user:acme/anna")]]
    assert not allows(rule, readers_of(Principal(tenant="local", user="acme/anna")))
    assert not allows([[reader("group:a/b/c")]], readers_of(Principal(tenant="a/b", user="x", groups=("c",))))
    assert allows([[reader("group:a/b/c")]], readers_of(Principal(tenant="a", user="x", groups=("b/c",))))


@pytest.mark.parametrize("text", ["", "anna", "Everyone", "group:", "group: legal", "role:x", "user:a b", "user:a,user:b"])
def test_what_names_no_reader_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no reader"):
        reader(text)


def test_every_rule_has_to_allow_and_no_rule_allows_nobody() -> None:
    bob = ("everyone", "user:local/bob")
    assert allows([["everyone"]], bob)
    assert not allows([["everyone"], ["group:local/hr"]], bob)
    assert not allows([["everyone"], []], bob)
    assert not allows([], bob)
