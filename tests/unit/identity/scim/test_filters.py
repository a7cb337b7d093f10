"""Filters as directories send them."""

import pytest

from gateway.identity.scim.attributes import USER_URN
from gateway.identity.scim.filters import Comparison, parse_filter
from gateway.identity.scim.refusals import InvalidFilter


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('userName eq "ada@example.com"', [("username", "ada@example.com")]),
        ('USERNAME EQ "Ada"', [("username", "Ada")]),
        ('externalId eq "00u1"', [("externalid", "00u1")]),
        (f'{USER_URN}:userName eq "ada"', [("username", "ada")]),
        ('emails.value eq "a@b.c"', [("emails.value", "a@b.c")]),
        ('emails[type eq "work"].value eq "a@b.c"', [("emails.type", "work"), ("emails.value", "a@b.c")]),
        (
            'emails[value eq "a@b.c" and primary eq true]',
            [("emails.value", "a@b.c"), ("emails.primary", True)],
        ),
        ('id eq "g" and members eq "u"', [("id", "g"), ("members", "u")]),
        ('displayName eq "A \\"quoted\\" [name] and more"', [("displayname", 'A "quoted" [name] and more')]),
        ("active eq true", [("active", True)]),
        ("active eq False", [("active", False)]),
    ],
)
def test_comparisons_are_read(text: str, found: list[tuple[str, object]]) -> None:
    assert parse_filter(text, USER_URN) == tuple(Comparison(path, value) for path, value in found)


@pytest.mark.parametrize(
    "text",
    [
        *("userName", "userName eq", 'eq "a"', 'userName eq "a', "userName eq a", 'userName co "a"'),
        *('userName eq "a" or userName eq "b"', 'userName eq "a" and', 'emails[type eq "work"', "   "),
        *('not (userName eq "a")', 'userName eq "a" userName', "userName pr", "emails[[]]", "x" * 2_001),
    ],
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidFilter):
        parse_filter(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("userName", "The filter cannot be read at its end."),
        ('userName co "a"', "The operator 'co' is not supported; write eq, and join with 'and'."),
    ],
)
def test_a_refusal_says_what_to_write(text: str, message: str) -> None:
    with pytest.raises(InvalidFilter, match=message):
        parse_filter(text)
