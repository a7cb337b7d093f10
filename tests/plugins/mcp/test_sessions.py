"""Session ids that clients keep: for one key, one path and every worker."""

import pytest
from gateway_mcp.sessions import Sessions

from gateway.db.sealing import Seal, Tokens
from gateway.domain import Secret
from gateway.errors import NotFound

NAMES = {"a": "one", "b": "two"}


def make_sessions(salt: str = "sk-salt") -> Sessions:
    return Sessions(Tokens(Seal(Secret(salt))))


def test_another_worker_goes_on_with_it() -> None:
    sealed = make_sessions().close("owner", "place", NAMES)
    assert make_sessions().open("owner", "place", sealed) == NAMES
    assert sealed.isascii()
    assert all(one.isalnum() or one in "-_" for one in sealed)
    assert "one" not in sealed


@pytest.mark.parametrize(
    ("owner", "place", "salt"),
    [("other", "place", "sk-salt"), ("owner", "other", "sk-salt"), ("owner", "place", "sk-other")],
)
def test_nobody_else_does(owner: str, place: str, salt: str) -> None:
    sealed = make_sessions().close("owner", "place", NAMES)
    with pytest.raises(NotFound):
        make_sessions(salt).open(owner, place, sealed)


def test_what_was_opened_for_one_stays_closed_to_others() -> None:
    sessions = make_sessions()
    sealed = sessions.close("owner", "place", NAMES)
    for _ in range(2):
        assert sessions.open("owner", "place", sealed) == NAMES
        for owner, place in (("other", "place"), ("owner", "other")):
            with pytest.raises(NotFound):
                sessions.open(owner, place, sealed)


@pytest.mark.parametrize(
    "text", ["", "x", 'mcp-session\n["owner","place",{}]', "mcp-session", "A" * 200, "\u00e9"]
)
def test_what_was_never_sealed_is_unknown(text: str) -> None:
    with pytest.raises(NotFound):
        make_sessions().open("owner", "place", text)


def test_what_was_sealed_for_something_else_is_unknown() -> None:
    seal = Seal(Secret("sk-salt"))
    tokens = Tokens(seal)
    for text in (
        tokens.close("another-purpose", '["owner","place",{}]'),
        tokens.close("mcp-session", "no json"),
        seal.close("a secret of the database"),
    ):
        with pytest.raises(NotFound):
            make_sessions().open("owner", "place", text)
