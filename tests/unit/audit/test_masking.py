"""No secret survives masking, and what is no secret stays as it is."""

import json

import msgspec
import pytest

from gateway.audit.masking import MASK, mask


@pytest.mark.parametrize(
    "name",
    [
        *("token", "password", "api_key", "aws_secret_access_key", "vertex_credentials", "hf_token"),
        *("langfuse_secret", "Authorization", "client-secret", "private_key", "azure_password"),
        *("webhook_url", "client_key", "subscription-key", "azure_account_key", "api_keys", "db_passwd"),
    ],
)
def test_a_secret_is_known_by_its_name(name: str) -> None:
    assert mask({"litellm_params": [{name: "hush"}]}) == {"litellm_params": [{name: MASK}]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("max_tokens", 5), ("input_cost_per_token", 1e-6), ("key_name", "sk-...abcd"), ("key_alias", "ci")),
        *(("litellm_credential_name", "azure"), ("allow_client_side_credentials", True), ("token", None)),
        *(("prompt_cache_key", "conversation-1"), ("logo_url", "https://host/a?size=2&v=x")),
        *(("password", ""), ("tpm_limit", 10), ("models", ["gpt-4o"]), ("note", "{not json")),
    ],
)
def test_what_is_no_secret_stays(name: str, value: object) -> None:
    assert mask({name: value}) == {name: value}


def test_everything_in_a_container_of_secrets_is_masked() -> None:
    row = {"credential_values": {"region": "eu", "nested": [{"deep": "x"}]}, "headers": {"x-a": "y"}}

    assert mask(row) == {
        "credential_values": {"region": MASK, "nested": [{"deep": MASK}]},
        "headers": {"x-a": MASK},
    }


def test_a_key_or_password_inside_a_text_is_masked() -> None:
    row = {"note": "uses sk-0123456789abcdef now", "url": "postgres://ada:hush@db/x"}

    assert mask(row) == {"note": f"uses {MASK} now", "url": f"postgres://{MASK}@db/x"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://:hu@sh@host:1/0", f"redis://{MASK}@host:1/0"),
        ("https://ada:hush@host/@me", f"https://{MASK}@host/@me"),
        ("https://host/x?api-key=hush&v=1#y", f"https://host/x?api-key={MASK}&v=1#y"),
        ("https://host/x?se=1&sig=hush", f"https://host/x?se=1&sig={MASK}"),
        ("postgres://db/x?user=ada&password=hush", f"postgres://db/x?user=ada&password={MASK}"),
        ("Authorization: Bearer hush.hush-hush", f"Authorization: Bearer {MASK}"),
        ("the bearer is away", "the bearer is away"),
    ],
)
def test_secrets_of_addresses_and_headers_are_masked(text: str, shown: str) -> None:
    assert mask(text) == shown


def test_json_that_is_kept_as_text_is_masked_inside() -> None:
    masked = mask({"litellm_params": json.dumps({"model": "m", "api_key": "hush"})})

    assert json.loads(masked["litellm_params"]) == {"model": "m", "api_key": MASK}


def test_structs_sets_and_bytes_are_masked_too() -> None:
    class Params(msgspec.Struct):
        api_key: str
        model: str

    assert mask({"a": Params("hush", "m"), "b": {"sk-0123456789abc"}, "c": b"raw"}) == {
        "a": {"api_key": MASK, "model": "m"},
        "b": [MASK],
        "c": MASK,
    }


def test_what_is_nested_too_deeply_is_masked_whole() -> None:
    value: object = "hush"
    for _ in range(60):
        value = [value]

    assert "hush" not in json.dumps(mask(value))
