"""Numbered pages of the lists of users and teams: which one is asked for, in which order."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.identity.faults import Faults

__all__ = ["NumberedPage", "read_page"]

_DEEPEST = 1_000_000
"""Rows that may be skipped: PostgreSQL reads them all."""


class NumberedPage(msgspec.Struct, frozen=True, kw_only=True):
    """The page `number`, counted from 1, of `size` rows; `order` is SQL made of constants."""

    number: int
    size: int
    order: str

    @property
    def skipped(self) -> int:
        """How many rows are before the page."""
        return (self.number - 1) * self.size

    def show(self, name: str, rows: Sequence[object], total: int) -> dict[str, Any]:
        """The contract's answer: the rows under `name`, and how many there are on how many pages."""
        return {
            name: list(rows),
            "total": total,
            "page": self.number,
            "page_size": self.size,
            "total_pages": -(-total // self.size),
        }


def read_page(
    number: int, size: int, sort_by: str | None, sort_order: str | None, columns: Mapping[str, str], key: str
) -> NumberedPage:
    """Read what a query says about page and order; `columns` are the sortable ones, `key` makes it total.

    Raises BadRequest naming what cannot be.
    """
    faults = Faults()
    if not 1 <= size <= 100:  # noqa: PLR2004  the contract's bound
        faults.add("page_size", f"must be between 1 and 100. Received: {size}")
    if number < 1 or (number - 1) * max(size, 1) > _DEEPEST:
        faults.add("page", f"must be at least 1, and at most row {_DEEPEST} can be reached.")
    if sort_by is not None and sort_by not in columns:
        faults.add("sort_by", f"must be one of {', '.join(columns)}.")
    direction = (sort_order or "asc").lower()
    if direction not in {"asc", "desc"}:
        faults.add("sort_order", "must be asc or desc.")
    faults.refuse()
    sorted_by = f"{columns[sort_by]} {direction} NULLS LAST, " if sort_by is not None else ""
    return NumberedPage(number=number, size=size, order=f"{sorted_by}{key} {direction}")
