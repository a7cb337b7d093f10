"""Which resources of a list are shown."""

from gateway.identity.scim.request import ListQuery

__all__ = ["MOST_SHOWN", "page_of"]

MOST_SHOWN = 500
_USUAL = 100


def page_of(query: ListQuery) -> tuple[int, int]:
    """The first index from 1, and how many are shown: at most 500, 100 where nothing is said."""
    size = _USUAL if query.count is None else query.count
    return max(1, query.start_index), min(MOST_SHOWN, max(0, size))
