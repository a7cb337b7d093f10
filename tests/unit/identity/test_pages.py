"""Pages of long lists."""

from gateway.identity.pages import Page, cut

ROWS = [{"id": "a"}, {"id": "b"}, {"id": "c"}]


def test_a_row_more_than_the_page_says_where_the_next_one_begins():
    found = cut(ROWS, Page(most=2), "id")
    assert (found.rows, found.next) == (ROWS[:2], "b")


def test_the_last_page_has_no_next_one():
    assert cut(ROWS, Page(most=3), "id").next is None
    assert cut([], Page(), "id").rows == []
