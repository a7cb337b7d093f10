"""The routes that show the public list of models page by page, and what there is to filter it by."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, cast

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.access.rules import RouteRule
from gateway.inventory.ui.flags import NO_PUBLIC_HUB
from gateway.manage.model_hub import FOR_ANYBODY, list_public
from gateway.manage.paging import NumberedPage, link_pages
from gateway.manage.query import QueryReader
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_HUB, _FACET = "/public/v1/model_hub", "/public/v1/model_hub/{facet}"
_Text = Annotated[str, msgspec.Meta(max_length=512)]
_Facet = Literal["providers", "modes", "features"]
_Group = Mapping[str, object]
_FEATURE = "supports_"


class PublicModelsQuery(NumberedPage, frozen=True, kw_only=True):
    """Which of the public models are shown: names that have a text in them, a provider's, of a mode."""

    search: _Text | None = None
    provider: _Text | None = None
    mode: _Text | None = None
    feature: _Text | None = None


_QUERY = QueryReader(PublicModelsQuery)
_Request = Request[Any, Any, Any]
_Gateway = NamedDependency[Gateway]


@get(
    _HUB,
    opt={"rule": RouteRule(name=_HUB, permit=FOR_ANYBODY, closed_by=NO_PUBLIC_HUB, query=PublicModelsQuery)},
)
async def page_public(request: _Request, gateway: _Gateway) -> dict[str, object]:
    """Show a page of the public models, with links to its neighbours."""
    wish = _QUERY.read(request)
    found = [group for group in list_public(gateway) if _fits(group, wish)]
    begin, pages = (wish.page - 1) * wish.page_size, -(-len(found) // wish.page_size)
    meta = {
        "total_count": len(found),
        "page": wish.page,
        "page_size": wish.page_size,
        "total_pages": pages,
    }
    data = found[begin : begin + wish.page_size]
    return {"data": data, "meta": meta, "links": link_pages(_HUB, wish, pages)}


@get(
    "/public/v1/model_hub/{facet:str}",
    opt={"rule": RouteRule(name=_FACET, permit=FOR_ANYBODY, closed_by=NO_PUBLIC_HUB)},
)
async def show_facet(gateway: _Gateway, facet: FromPath[_Facet]) -> dict[str, object]:
    """Say which providers, modes or features the public models have, and how many have each."""
    counted = Counter(value for group in list_public(gateway) for value in _values(group, facet))
    data = [{"value": value, "count": counted[value]} for value in sorted(counted)]
    links = {"self": _FACET.format(facet=facet), "prev": None, "next": None}
    return {"data": data, "meta": {"total_count": len(data)}, "links": links}


def _fits(group: _Group, wish: PublicModelsQuery) -> bool:
    wanted = {"providers": wish.provider, "modes": wish.mode, "features": wish.feature}
    is_named = (wish.search or "").lower() in str(group["model_group"]).lower()
    return is_named and all(
        value is None or value in _values(group, facet) for facet, value in wanted.items()
    )


def _values(group: _Group, facet: str) -> Iterable[str]:
    """What a model has to be filtered by."""
    if facet == "providers":
        return map(str, cast("list[object]", group["providers"]))  # a list, as it is built
    if facet == "modes":
        return (str(group["mode"]),) if group["mode"] else ()
    names = (name for name, value in group.items() if name.startswith(_FEATURE) and value is True)
    return tuple(name.removeprefix(_FEATURE) for name in names)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (page_public, show_facet)
