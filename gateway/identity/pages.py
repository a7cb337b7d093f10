"""A part of a long list: where it begins, how many entries it has, and what comes after it."""

from collections.abc import Sequence

import msgspec

from gateway.db.rows import Columns

__all__ = ["FIRST_PAGE", "Listed", "Page", "cut"]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """At most `most` entries whose keys come after the key `after`; an empty one is before all."""

    after: str = ""
    most: int = 1_000


FIRST_PAGE = Page()


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """The entries of a page, and the key after which the next page begins; None on the last page."""

    rows: list[Columns]
    next: str | None = None


def cut(rows: Sequence[Columns], page: Page, key: str) -> Listed:
    """Make a page of rows of which one more than the page holds was asked for; `key` is their key column."""
    shown = list(rows[: page.most])
    return Listed(rows=shown, next=str(shown[-1][key]) if len(rows) > page.most else None)
