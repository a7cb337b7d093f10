"""The query members with which lists are read page by page."""

import pytest

from gateway.errors import ValidationFailed
from gateway.identity.pages import Listed
from gateway.manage.paging import NEXT_HEADER, listed, page_of


def test_a_page_has_what_is_asked_for_or_what_is_usual():
    assert (page_of(None, None).after, page_of(None, None).most) == ("", 1_000)
    assert page_of(None, None, 50).most == 50
    assert (page_of("a", 7, 50).after, page_of("a", 7, 50).most) == ("a", 7)


@pytest.mark.parametrize(
    ("after", "limit", "name"), [(None, 0, "limit"), (None, 10_001, "limit"), ("x" * 3_000, None, "after")]
)
def test_what_cannot_be_is_a_fault_of_its_member(after, limit, name):
    with pytest.raises(ValidationFailed) as refused:
        page_of(after, limit)
    assert refused.value.details["detail"][0]["loc"] == ["query", name]


def test_the_next_key_cannot_end_the_header():
    answer = listed(Listed(rows=[], next="a\r\nb é"))
    assert answer.headers[NEXT_HEADER] == "a%0D%0Ab%20%C3%A9"
    assert NEXT_HEADER not in listed(Listed(rows=[])).headers
