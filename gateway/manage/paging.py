"""The query members with which every plain list is read page by page."""

from typing import Any
from urllib.parse import quote

from litestar import Response

from gateway.errors import ValidationFailed
from gateway.identity.pages import FIRST_PAGE, Listed, Page
from gateway.wire.faults import fault_at

__all__ = ["NEXT_HEADER", "listed", "listed_in", "page_of"]

NEXT_HEADER = "x-gatewright-next"
"""The header of an answer that is not the last page: the `after` of the next one, percent-encoded."""

_MOST = 10_000
_LONGEST_KEY = 2_048


def page_of(after: str | None, limit: int | None, usual: int = FIRST_PAGE.most) -> Page:
    """The page that a query asks for, of `usual` entries; raises ValidationFailed for what cannot be."""
    most = usual if limit is None else limit
    if not 1 <= most <= _MOST:
        raise _refuse("limit", f"must be between 1 and {_MOST}.")
    if after is not None and (len(after) > _LONGEST_KEY or "\0" in after):
        raise _refuse("after", "is no key of an entry.")
    return Page(after=after or "", most=most)


def listed(found: Listed) -> Response[list[dict[str, Any]]]:
    """The entries of a page; a header says where the next one begins."""
    return Response(found.rows, headers=_headers(found))


def listed_in(content: dict[str, Any], found: Listed) -> Response[dict[str, Any]]:
    """An object that holds the entries of a page; a header says where the next one begins."""
    return Response(content, headers=_headers(found))


def _headers(found: Listed) -> dict[str, str]:
    return {} if found.next is None else {NEXT_HEADER: quote(found.next, safe="")}


def _refuse(name: str, message: str) -> ValidationFailed:
    detail = [fault_at(["query", name], message)]
    return ValidationFailed(f"query.{name}: {message}", param=name, details={"detail": detail})
