"""Which tools a text is about."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from gateway_mcp.finding import Words, rank
from gateway_mcp.listings import Item, Listing
from gateway_mcp.server_terms import McpServer
from gateway_mcp.upstreams import Upstream

SERVER = Upstream("one", McpServer(url="http://one.test/mcp"))
SAID: list[dict[str, Any]] = [
    {"name": "createPullRequest", "description": "Open a pull request in a repository."},
    {"name": "list_issues", "description": "List the issues of a repository."},
    {"name": "send_mail", "description": "Send a message to somebody by e-mail."},
    {"name": "wetter", "description": "Sagt das Wetter für eine Stadt voraus."},
    {
        "name": "book",
        "inputSchema": {"properties": {"flight": {"description": "Where the aircraft goes"}, "odd": 7}},
    },
    {"name": "empty", "description": None, "inputSchema": []},
]
LISTING = Listing(tuple(Item(one["name"], one, msgspec.Raw(b"{}")) for one in SAID))


def find(query: str, most: int = 10, hidden: str = "") -> list[str]:
    found = Words().find([(SERVER, LISTING)], query, most, lambda _, tool: tool != hidden)
    return [item.name for _, item in found]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("pull requests", "createPullRequest"),
        ("open an issue", "list_issues"),
        ("write an E-MAIL", "send_mail"),
        ("für Stadt", "wetter"),
        ("aircraft", "book"),
        ("flight", "book"),
    ],
)
def test_the_best_match_comes_first(query: str, first: str) -> None:
    assert find(query)[0] == first


def test_what_has_no_word_of_it_is_left_out() -> None:
    assert find("repository") == ["list_issues", "createPullRequest"]
    assert find("repository", most=1) == ["list_issues"]
    assert find("nothing that anybody offers, xyzzy") == []
    assert find("") == []


def test_hidden_tools_are_not_found_and_do_not_count() -> None:
    assert find("repository", hidden="list_issues") == ["createPullRequest"]


def test_a_name_says_more_than_a_description() -> None:
    tools = [(f"{i}", Counter({"mail": weight})) for i, weight in enumerate((1, 3))]
    assert rank("mail", tools, 2) == ["1", "0"]  # type: ignore[arg-type]


def test_the_words_of_a_list_are_counted_once() -> None:
    words = Words()
    assert words.of(LISTING) is words.of(LISTING)
    assert words.of(Listing(LISTING.items)) is not words.of(LISTING)
