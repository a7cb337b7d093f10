import json

import pytest

from gateway.inventory.masking import mask_all, mask_params, mask_text

SECRET = "sk-secret-of-an-upstream-4321"


@pytest.mark.parametrize(
    ("secret", "shown"),
    [(SECRET, "****4321"), ("short", "****"), ("", "****"), ("os.environ/NAME", "os.environ/NAME")],
)
def test_a_secret_shows_its_end_at_most(secret: str, shown: str) -> None:
    assert mask_text(secret) == shown


def test_what_is_known_to_be_plain_is_shown() -> None:
    plain = {"model": "openai/x", "rpm": 3, "tags": ["a"], "input_cost_per_token": 1e-6, "drop_params": True}
    assert mask_params(plain) == plain


@pytest.mark.parametrize(
    "params",
    [
        {"api_key": SECRET},
        {"azure_ad_token": SECRET},
        {"aws_secret_access_key": SECRET},
        {"vertex_credentials": {"private": [SECRET]}},
        {"extra_headers": {"x-anything": SECRET}},
        {"headers": {"x-anything": SECRET}},
        {"extra_body": {"deep": [{"auth_token": SECRET}]}},
        {"a_parameter_of_a_later_release": SECRET},
        {"api_base": f"https://user:{SECRET}@host.example/v1"},
        {"api_base": f"https://host.example/v1?key={SECRET}"},
    ],
)
def test_no_secret_is_shown(params: dict[str, object]) -> None:
    shown = json.dumps(mask_params(params))
    assert "secret-of-an-upstream" not in shown


def test_an_address_stays_readable() -> None:
    assert mask_params({"api_base": "https://u:p@host.example:8/v1?key=1"}) == {
        "api_base": "https://host.example:8/v1?****"
    }


def test_a_credential_shows_addresses_only() -> None:
    values = {"api_base": "https://host.example/v1", "api_key": SECRET, "anything": SECRET}
    assert mask_all(values) == {
        "api_base": "https://host.example/v1",
        "api_key": "****4321",
        "anything": "****4321",
    }
