"""One admitted request, and everything that its answer needs."""

import msgspec

from gateway.domain import ModelGroup
from gateway.hooks import RequestContext
from gateway.pipeline.exchange import Exchange
from gateway.pipeline.guarding import CallGuards
from gateway.pipeline.settlement import Settlement
from gateway.runtime import Gateway, Snapshot

__all__ = ["Call"]


class Call(msgspec.Struct, frozen=True):
    """An admitted request on its way to the deployments of `group`."""

    gateway: Gateway
    snapshot: Snapshot
    exchange: Exchange
    context: RequestContext
    group: ModelGroup
    settlement: Settlement

    @property
    def guards(self) -> CallGuards | None:
        """What watches over the call; a fallback may bring more."""
        return self.settlement.guards
