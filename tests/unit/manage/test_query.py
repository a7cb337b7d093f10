from typing import Annotated

import msgspec
import pytest
from litestar.testing import RequestFactory

from gateway.errors import ValidationFailed
from gateway.manage.query import QueryReader


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    page: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1
    is_whole: bool = False
    name: str = ""
    parts: list[str] = []


READER = QueryReader(Wanted)


def read(**query: object) -> Wanted:
    return READER.read(RequestFactory().get("/", query_params=query))


def test_texts_become_what_the_members_are():
    found = read(page="3", is_whole="true", name="7", parts=["a", "b"], other="x")
    assert found == Wanted(page=3, is_whole=True, name="7", parts=["a", "b"])


def test_what_is_left_out_has_its_default():
    assert read() == Wanted()


def test_of_several_values_the_last_one_counts():
    assert read(name=["a", "b"]).name == "b"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"page": "0"}, "page"),
        ({"page": "x"}, "page"),
        ({"is_whole": "maybe"}, "is_whole"),
        ({"name": "\0"}, "name"),
    ],
)
def test_every_fault_is_named(query, name):
    with pytest.raises(ValidationFailed) as raised:
        read(**query)
    assert [fault["loc"] for fault in raised.value.details["detail"]] == [["query", name]]
