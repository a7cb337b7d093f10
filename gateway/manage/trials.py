"""What a model that is not there yet is tried out with."""

from gateway.inventory.trial import Trial
from gateway.runtime import Gateway

__all__ = ["trial_of"]


def trial_of(gateway: Gateway) -> Trial:
    """The settings, prices and credentials that are in use now."""
    snapshot, added = gateway.snapshot, gateway.parts.added
    return Trial(
        settings=snapshot.settings,
        book=snapshot.catalog.price_book,
        credentials=added.current.credentials,
        environ=added.environ,
        clock=gateway.clock,
        configured_ids=snapshot.catalog.configured_ids,
    )
