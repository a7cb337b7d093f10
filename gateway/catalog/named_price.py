"""What a model costs by its name: that of a configured model, else that of a provider's."""

import msgspec

from gateway.catalog.catalog import Catalog
from gateway.catalog.naming import find_provider
from gateway.catalog.price_book import PriceQuery
from gateway.domain import Price

__all__ = ["NamedPrice", "find_named_price"]


class NamedPrice(msgspec.Struct, frozen=True):
    """A provider's prefix, and the price of its model; None when nobody knows it."""

    provider: str
    price: Price | None


def find_named_price(catalog: Catalog, name: str, now_nanos: int) -> NamedPrice | None:
    """The price of the first deployment of a name that has one, or of `provider/model`.

    None for a name that is neither configured nor a provider's that the price book knows.
    """
    group = catalog.find(name)
    if group is not None:
        for deployment in group.deployments:
            price = catalog.price_of(deployment, now_nanos)
            if price is not None:
                return NamedPrice(deployment.provider, price)
        return NamedPrice(group.deployments[0].provider, None)
    split = find_provider(name, None, api_base=None)
    if split is None:
        return None
    query = PriceQuery(provider=split[0].prefix, model=split[1])
    price = catalog.price_book.quote(query, now_nanos).price
    return None if price is None else NamedPrice(query.provider, price)
