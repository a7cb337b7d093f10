"""Whether anybody knows what a model costs, for operators who close those of which nobody does."""

from gateway.catalog.catalog import Catalog
from gateway.domain import ModelGroup
from gateway.errors import PermissionDenied

__all__ = ["check_priced", "has_price"]


def has_price(catalog: Catalog, group: ModelGroup, now_nanos: int) -> bool:
    """Whether a price is known for a deployment of the group at a moment (nanoseconds since 1970)."""
    return any(catalog.price_of(item, now_nanos) is not None for item in group.deployments)


def check_priced(catalog: Catalog, group: ModelGroup, now_nanos: int) -> None:
    """Refuse a model without a price (`block_requests_for_models_without_pricing`) by PermissionDenied."""
    if has_price(catalog, group, now_nanos):
        return
    raise PermissionDenied(
        f"The model '{group.name[:200]}' has no known price, and only models with one are served here. "
        "Its administrator can set input_cost_per_token and output_cost_per_token.",
        param="model",
        type="model_cost_map_missing",
    )
