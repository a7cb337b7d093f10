import pytest

from gateway.db.sealing import Seal, Tokens
from gateway.domain import Principal, Role, Secret, StoredResponse
from gateway.errors import BadRequest
from gateway.pipeline.sealed_ids import open_id, seal_beside, seal_id

SEAL = Seal(Secret("sk-a-salt-key-of-the-tests"))
STORED = StoredResponse(
    id="resp_" + "0" * 50, deployment_id="d" * 64, model="openai/gpt", tokens=100_000, is_guarded=True
)
KEY = Principal(token_hash="h" * 64, user_id="user@example.com", team_id="t" * 36)


def may_open(sealed: str, caller: Principal, seal: Seal = SEAL) -> bool:
    try:
        return open_id(seal, sealed, caller, "previous_response_id") == STORED
    except BadRequest:
        return False


def test_an_id_comes_back_whole_and_is_short_and_safe_in_a_path() -> None:
    sealed = seal_id(SEAL, STORED, KEY)
    assert may_open(sealed, KEY)
    assert len(sealed) < 600
    assert sealed.replace("_", "").replace("-", "").isalnum()
    assert seal_id(SEAL, STORED, KEY) != sealed


@pytest.mark.parametrize(
    ("owner", "caller", "may"),
    [
        ({"user_id": "u"}, {"user_id": "u"}, True),
        ({"user_id": "u"}, {"user_id": "v"}, False),
        ({"user_id": "u", "team_id": "t"}, {"user_id": "u", "team_id": "t"}, True),
        ({"user_id": "u", "team_id": "t"}, {"user_id": "u"}, False),
        ({"user_id": "u"}, {"user_id": "u", "team_id": "t"}, False),
        ({"user_id": "u", "team_id": "t"}, {"team_id": "t"}, False),
        ({"team_id": "t"}, {"team_id": "t"}, True),
        ({"team_id": "t"}, {"user_id": "u", "team_id": "t"}, True),
        ({"team_id": "t"}, {"user_id": "t"}, False),
        ({"team_id": "t"}, {}, False),
        ({}, {}, False),
        ({"user_id": ""}, {"user_id": ""}, False),
        ({"user_id": "u"}, {"user_id": "v", "role": Role.PROXY_ADMIN_VIEWER}, False),
        ({"user_id": "u"}, {"user_id": "v", "role": Role.PROXY_ADMIN}, True),
        ({"team_id": "t", "end_user_id": "e"}, {"team_id": "t", "end_user_id": "e"}, True),
        ({"team_id": "t", "end_user_id": "e"}, {"team_id": "t", "end_user_id": "f"}, False),
        ({"team_id": "t", "end_user_id": "e"}, {"team_id": "t"}, False),
    ],
    ids=str,
)
def test_whose_a_response_is(owner: dict[str, str], caller: dict[str, str], *, may: bool) -> None:
    sealed = seal_id(SEAL, STORED, Principal(token_hash="one", **owner))
    assert may_open(sealed, Principal(token_hash="another", **caller)) is may
    assert may_open(sealed, Principal(token_hash="one", **owner))


def test_a_caller_without_a_key_is_nobody() -> None:
    assert not may_open(seal_id(SEAL, STORED, Principal(token_hash="")), Principal(token_hash=""))


def test_no_changed_character_is_overlooked() -> None:
    sealed = seal_id(SEAL, STORED, KEY)
    for place in range(len("resp_"), len(sealed) - 1):
        turned = "A" if sealed[place] != "A" else "B"
        assert not may_open(sealed[:place] + turned + sealed[place + 1 :], KEY)


def test_what_was_sealed_for_something_else_is_no_id() -> None:
    inside = Tokens(SEAL).open("id of a stored response", seal_id(SEAL, STORED, KEY).removeprefix("resp_"))
    assert inside is not None
    assert may_open("resp_" + Tokens(SEAL).close("id of a stored response", inside), KEY)
    for purpose, text in (
        ("client", inside),
        ("id of a stored response", "[]"),
        ("id of a stored response", inside.replace("[1,", "[2,")),
    ):
        assert not may_open("resp_" + Tokens(SEAL).close(purpose, text), KEY)
    assert not may_open("resp_" + SEAL.close(inside), KEY)


def test_another_salt_key_opens_nothing_until_the_former_one_is_learnt() -> None:
    sealed, other = seal_id(SEAL, STORED, KEY), Seal(Secret("sk-another-salt-key"))
    assert not may_open(sealed, KEY, other)
    other.learn(Secret("sk-a-salt-key-of-the-tests"))
    assert may_open(sealed, KEY, other)


def test_the_response_before_has_the_same_owner() -> None:
    beside = seal_beside(SEAL, seal_id(SEAL, STORED, KEY), "resp_before")
    assert beside is not None
    assert open_id(SEAL, beside, KEY, "p").id == "resp_before"
    assert not may_open(beside, Principal(token_hash="x"))
    assert seal_beside(SEAL, "resp_up", "resp_before") is None
