import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.secure.finding import Finding, mask
from groundwork.secure.secrets import _merged, find_secrets, mask_all, mask_secrets

BODY = "a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTuVwXyZ0123456789abcdefghij"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEpAIBAAKCAQEA7bq\nAbC+/9==\n-----END RSA PRIVATE KEY-----"
CUT = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB"
SECRETS = {
    "private_key": [PEM, PEM.replace("\n", "\\n"), PEM.replace("RSA ", ""), CUT, CUT.replace("\n", "\\n")],
    "openai_key": [f"sk-{BODY[:48]}", f"sk-proj-{BODY}-_{BODY * 3}", f"sk-ant-api03-{BODY}"],
    "aws_key": ["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"],
    "github_token": [f"ghp_{BODY[:36]}", f"ghs_{BODY[:40]}", f"github_pat_{BODY[:22]}_{BODY}"],
    "gitlab_token": [f"glpat-{BODY[:20]}"],
    "slack_token": ["xox" + "b-123456789012-1234567890123-AbCdEfGhIjKlMnOp"],
    "google_key": [f"AIza{BODY[:35]}"],
    "stripe_key": ["sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc", "rk_" + "test_4eC39HqLyjWDarjtT1zdp7dc"],
    "huggingface_token": [f"hf_{BODY[:34]}"],
    "groundwork_key": [f"gw-{BODY[:40]}_-x"],
    "jwt": [f"eyJ{BODY[:20]}.eyJ{BODY}.{BODY[:43]}"],
}
EVERY = [(kind, text) for kind, texts in SECRETS.items() for text in texts]


@pytest.mark.parametrize(("kind", "secret"), EVERY)
@pytest.mark.parametrize(
    ("before", "after"), [("", ""), ("My key is ", ", is it right?"), ("(", ")."), ('{"a": "', '"}\n'), ("curl -u ", "\n")]
)
def test_every_shape_is_found_as_a_whole(kind: str, secret: str, before: str, after: str) -> None:
    text = before + secret + after
    assert find_secrets(text) == [Finding(f"secret:{kind}", len(before), len(before) + len(secret))]
    assert mask_secrets(text) == f"{before}[secret:{kind}]{after}"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgres://app:hunter2@db.local/x", "postgres://[secret:url_password]@db.local/x"),
        ("redis://:pa:ss?word@cache:6379", "redis://[secret:url_password]@cache:6379"),
        ("Authorization: Bearer a1b2c3d4e5f6g7h8i9j0==", "Authorization: Bearer [secret:bearer]"),
        ("AUTHORIZATION: BEARER a1b2c3d4e5f6g7h8i9j0", "AUTHORIZATION: BEARER [secret:bearer]"),
    ],
)
def test_a_secret_in_a_url_or_header_is_masked_in_its_place(text: str, masked: str) -> None:
    assert mask_secrets(text) == masked


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "PASSWORD",
        "Passwd",
        "secret",
        "token",
        "api_key",
        "apiKey",
        "APIKEY",
        "Api-Key",
        "X-API-KEY",
        "DB_PASSWORD",
        "client_secret",
        "accessToken",
        "AWS_SECRET_ACCESS_KEY",
    ],
)
@pytest.mark.parametrize("form", ["{}=hunter2hunter2", "{}: hunter2hunter2", '"{}": "hunter2hunter2"', "{} := 'hunter2hunter2'"])
def test_an_assigned_secret_is_masked_whatever_its_name_is_called(name: str, form: str) -> None:
    text = form.format(name)
    assert mask_secrets(f"x {text}; y") == f"x {text.replace('hunter2hunter2', '[secret:assignment]')}; y"


@pytest.mark.parametrize(
    "text",
    [
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8 fixes it",
        "request 550e8400-e29b-41d4-a716-446655440000",
        "token = get_token()",
        "token = get_token2(user)",
        "secret = parts[1]; token = sys.argv[12]",
        "api_key = os.environ['OPENAI_API_KEY']",
        'key = "env:OPENAI_API_KEY"',
        "password: ${DB_PASSWORD_1}",
        "token: {{ secrets.TOKEN_2 }}",
        "password=<your-password-1>",
        "api_key=env:MY_KEY_2",
        "max_tokens: 4096000000",
        "the token is a word, a secret: patience",
        "the password must be at least 12 characters",
        "sk-learn-compatible-estimators-and-more",
        "a task-list-of-many-many-many-words-1",
        "xoxo-love-and-kisses-forever",
        "gw-production-internal-loadbalancer-primary",
        "Bearer token-based-authentication-schemes",
        "SQLite 3.40.1-2022-12-28, build 20221228",
        "call +1 555 123 4567 about $1,234.56",
        "http://localhost:8080/a@b and https://x.org/user:1@y",
        "AKIA is a prefix, AKIAIOSFODNN7EXAMPLEX is too long",
        "-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END CERTIFICATE-----",
        "a file that starts with -----BEGIN PRIVATE KEY----- is one",
        "ghp_short and hf_short1 and eyJhbGciOiJIUzI1NiJ9 alone",
        "",
    ],
)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert find_secrets(text) == []
    assert mask_secrets(text) == text


def test_a_cut_key_is_masked_with_what_follows_left_alone() -> None:
    assert mask_secrets(f"see {CUT}\nand so on, {'word ' * 3_000}").startswith("see [secret:private_key]\nand so on, word")


def test_of_overlapping_findings_the_first_and_longest_is_named() -> None:
    text = f"token=x-{SECRETS['aws_key'][0]}-y rest"
    assert mask_secrets(text) == "token=[secret:assignment] rest"
    assert mask("abcdef", [Finding("b", 1, 4), Finding("a", 1, 3), Finding("c", 3, 5)]) == "a[b]f"


PIECES = st.one_of(
    st.sampled_from([text for _, text in EVERY]),
    st.sampled_from(
        ["password=", "token: ", "://", "@", "Bearer ", "[secret:aws_key]", "[secret:", "]", "eyJ", "sk-", "-----", ".", "\n", " ", '"']
    ),
    st.text(alphabet=string.ascii_letters + string.digits + "-_./:@= \n\"'[]", max_size=30),
    st.text(max_size=5),
)


@settings(max_examples=500)
@given(st.lists(PIECES, max_size=8).map("".join))
def test_masking_twice_is_masking_once(text: str) -> None:
    once = mask_secrets(text)
    assert mask_secrets(once) == once
    assert find_secrets(once) == []


@settings(max_examples=300)
@given(st.sampled_from(EVERY), st.text(), st.text())
def test_nothing_of_a_secret_remains(secret: tuple[str, str], before: str, after: str) -> None:
    masked = mask_secrets(f"{before} {secret[1]} {after}")
    assert secret[1] not in masked
    assert secret[1][8:28] not in masked


def test_spans_that_overlap_become_one() -> None:
    assert _merged([(9, 12), (2, 4), (0, 9), (20, 21)]) == [(0, 9), (9, 12), (20, 21)]


def test_masking_walks_values_and_keys() -> None:
    key = SECRETS["aws_key"][0]
    value: Any = {"a": [key, {"b": (key, 1, None, True)}], f"of {key}": "x"}
    assert mask_all(value) == {"a": ["[secret:aws_key]", {"b": ["[secret:aws_key]", 1, None, True]}], "of [secret:aws_key]": "x"}


ADVERSARIAL = [
    "eyJ-",
    "eyJaaaaaaaaaa.",
    "eyJ" + "a" * 50 + ".",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nMII" + "A" * 30 + "\n",
    "-----BEGIN ",
    "sk-",
    "sk-a",
    "token",
    "token=",
    "token:   '",
    "password=a_.",
    "://a:",
    "://:",
    "bearer ",
    "Bearer a.",
    "[secret:a]token=a1234567 ",
    "xoxb-",
    "ghp_",
    "AIza-",
    "gw-_",
    "AKIA",
    " ",
]


@pytest.mark.parametrize("piece", ADVERSARIAL)
@pytest.mark.parametrize("size", [1_000_000])
def test_a_hostile_text_is_read_in_linear_time(piece: str, size: int) -> None:
    text = (piece * (size // len(piece) + 1))[:size] + "!"
    assert mask_secrets(mask_secrets(text)) == mask_secrets(text)
