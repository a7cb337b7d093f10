import json

import pytest

from gateway.access.banned import check_banned
from gateway.access.client_choices import ClientChoices, take_choice
from gateway.domain import ClientChoice, ClientParams, Deployment, ModelGroup, Secret
from gateway.errors import BadRequest, BannedParameter
from gateway.hooks import RequestBody


def group(*params: ClientParams | None) -> ModelGroup:
    return ModelGroup(
        "m",
        tuple(
            Deployment(id=str(number), group="m", provider="openai", model="x", urls={}, client_params=one)
            for number, one in enumerate(params)
        ),
    )


GROUPS = {
    "closed": group(None),
    "key": group(None, ClientParams(api_key=True)),
    "both": group(ClientParams(api_key=True, api_base=True)),
}
CHOICES = ClientChoices(GROUPS.get)


def body(**members: object) -> RequestBody:
    return RequestBody.parse(json.dumps({"model": "m", **members}).encode())


@pytest.mark.parametrize(
    ("model", "members", "refused"),
    [
        ("closed", {"api_key": "k"}, "api_key"),
        ("nobody", {"api_key": "k"}, "api_key"),
        ("key", {"api_key": "k"}, None),
        ("key", {"api_base": "https://h"}, "api_base"),
        ("key", {"base_url": None}, "base_url"),
        ("both", {"api_key": "k", "api_base": "https://h"}, None),
        ("both", {"base_url": "https://h"}, None),
        ("both", {"api_version": "v1"}, "api_version"),
        ("both", {"organization": "o"}, "organization"),
        ("both", {"user_config": {}}, "user_config"),
        ("both", {"metadata": {"api_base": "https://h"}}, "metadata.api_base"),
        ("both", {"api_key": "k", "input_cost_per_token": 0}, "input_cost_per_token"),
    ],
)
def test_only_what_a_deployment_leaves_to_clients_passes(model, members, refused):
    found = None
    try:
        check_banned(body(**members), model, CHOICES)
    except BannedParameter as error:
        found = error.param
    assert found == refused


def test_it_is_said_whether_something_was_chosen():
    assert check_banned(body(api_key="k"), "key", CHOICES)
    assert not check_banned(body(temperature=1), "key", CHOICES)


def test_a_choice_leaves_the_body():
    asked = body(api_key="sk-mine", base_url="https://h/v1", temperature=1)
    assert take_choice(asked) == ClientChoice(Secret("sk-mine"), "https://h/v1")
    assert set(asked.members) == {"model", "temperature"}
    assert "sk-mine" not in repr(ClientChoice(Secret("sk-mine"), "https://h/v1"))


def test_nulls_choose_nothing_and_leave_the_body_too():
    asked = body(api_key=None, api_base=None)
    assert take_choice(asked) is None
    assert set(asked.members) == {"model"}


@pytest.mark.parametrize("key", ["", 7, ["k"], "a b", "k\r\nx: y", "kéy", "k" * 4097, "k\0"])
def test_a_credential_that_no_header_can_carry_is_refused(key):
    with pytest.raises(BadRequest) as caught:
        take_choice(body(api_key=key))
    assert caught.value.param == "api_key"


@pytest.mark.parametrize(
    "address",
    [
        *("", "h/v1", "//h/v1", "ftp://h", "file:///etc/passwd", "http://", "https:///v1", "mock:chat"),
        *("https://user:pw@h/v1", "https://@h/", "https://h/v1?x=1", "https://h/v1#x", "https://h:99999/"),
        *("https://h /v1", "https://h\\@evil/", "https://[::1/", "https://h\n/v1", "https://hé/", 7, {}),
        *("https://h:0/", "https://" + "h" * 2048, "http://127.1/", "http://2130706433", "http://0x7f000001"),
    ],
)
def test_what_is_no_address_of_a_provider_is_refused(address):
    with pytest.raises(BadRequest) as caught:
        take_choice(body(api_base=address))
    assert caught.value.param == "api_base"


def test_two_addresses_are_refused_and_one_twice_is_one():
    with pytest.raises(BadRequest, match="two addresses"):
        take_choice(body(api_base="https://a", base_url="https://b"))
    assert take_choice(body(api_base="https://a", base_url="https://a")) == ClientChoice(None, "https://a")
