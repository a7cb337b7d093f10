"""The query members with which every plain list is read page by page."""

from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from litestar import Response

from gateway.errors import ValidationFailed
from gateway.identity.pages import FIRST_PAGE, Listed, Page
from gateway.wire.faults import fault_at

__all__ = ["NEXT_HEADER", "NumberedPage", "link_pages", "listed", "listed_in", "page_of"]

NEXT_HEADER = "x-gatewright-next"
"""The header of an answer that is not the last page: the `after` of the next one, percent-encoded."""

_MOST = 10_000
_LONGEST_KEY = 2_048


class NumberedPage(msgspec.Struct, frozen=True, kw_only=True):
    """Which page is shown, counted from 1, and how many rows a page has."""

    page: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 50


def link_pages(path: str, wish: NumberedPage, pages: int) -> dict[str, str | None]:
    """The addresses of a page and of its neighbours, of `pages` altogether."""
    numbers = {"self": wish.page, "first": 1, "last": max(1, pages)}
    numbers |= {"prev": wish.page - 1} if wish.page > 1 else {}
    numbers |= {"next": wish.page + 1} if wish.page < pages else {}
    links = {name: f"{path}?page={number}&page_size={wish.page_size}" for name, number in numbers.items()}
    return {"prev": None, "next": None, **links}


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
