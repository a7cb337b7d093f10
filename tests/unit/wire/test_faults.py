from datetime import datetime
from enum import Enum
from typing import Annotated, Literal

import msgspec
import pytest

from gateway.wire.faults import fault_of


class Role(Enum):
    ADMIN = "admin"
    USER = "user"


class Member(msgspec.Struct):
    role: Role
    user: str = ""


class Team(msgspec.Struct, rename={"in_file": "format"}):
    members: list[Member] | Member | None = None
    by_name: dict[str, Member] = {}
    state: Literal["open", "closed"] = "open"
    size: Annotated[int, msgspec.Meta(ge=1)] = 1
    until: datetime | None = None
    in_file: Literal["csv"] = "csv"


def fault(value: object) -> tuple[object, object, object]:
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert(value, Team)
    found = fault_of(raised.value, ["body"], Team)
    return found["loc"], found["msg"], found["type"]


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"state": 7}, ["body", "state"]),
        ({"members": [{"role": "user"}, {"role": "user", "user": 7}]}, ["body", "members", 1, "user"]),
        ({"by_name": {"ada": {"role": "user", "user": 7}}}, ["body", "by_name", "user"]),
        ({"by_name": {7: {"role": "user"}}}, ["body", "by_name"]),
        ([], ["body"]),
    ],
)
def test_the_place_leads_to_the_value(value: object, place: list[object]) -> None:
    assert fault(value)[0] == place


def test_a_member_that_is_missing_inside_is_named() -> None:
    assert fault({"members": [{}]}) == (["body", "members", 0, "role"], "Field required", "missing")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"state": "ajar"}, "'ajar' is not one of closed, open."),
        ({"members": [{"role": "root"}]}, "'root' is not one of admin, user."),
        ({"members": {"role": "root"}}, "'root' is not one of admin, user."),
        ({"by_name": {"ada": {"role": "root"}}}, "'root' is not one of admin, user."),
        ({"format": "xml"}, "'xml' is not one of csv."),
    ],
)
def test_a_choice_tells_what_it_may_be(value: object, message: str) -> None:
    assert fault(value)[1:] == (message, "enum")


def test_a_long_value_is_cut() -> None:
    assert len(str(fault({"state": "x" * 10_000})[1])) < 200


def test_a_time_is_told_by_an_example() -> None:
    assert str(fault({"until": "tomorrow"})[1]).endswith(", such as 2026-01-31T12:00:00Z")


def test_other_faults_keep_their_words() -> None:
    assert fault({"size": 0}) == (["body", "size"], "Expected `int` >= 1", "type_error")
