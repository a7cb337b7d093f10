"""Which servers of a place a request may reach, and which of their tools."""

from collections.abc import Callable
from functools import cached_property

from gateway.hooks import RequestContext
from gateway_mcp.places import Place
from gateway_mcp.rights import build_predicate, may_reach
from gateway_mcp.upstreams import Upstream, Upstreams

__all__ = ["Reach"]

_EVERY = "*"


class Reach:
    """What one request may reach; one predicate says which tools it may list and call."""

    def __init__(self, context: RequestContext, place: Place, upstreams: Upstreams) -> None:
        self._context = context
        self._all = upstreams
        self._tools = place.tools
        self._predicates: dict[str, Callable[[str], bool]] = {}
        self._place = place

    @cached_property
    def upstreams(self) -> tuple[Upstream, ...]:
        """The servers; nobody asks for those of a place that is a single one, which was checked already."""
        context, place = self._context, self._place
        is_scoped = place.tools is not None
        return tuple(
            one for one in place.upstreams if may_reach(context, one, self._all, is_scoped=is_scoped)
        )

    def may_use(self, upstream: Upstream, tool: str) -> bool:
        """Whether a tool of a server may be listed and called."""
        return self.of(upstream)(tool)

    def of(self, upstream: Upstream) -> Callable[[str], bool]:
        """Whether a tool of this server may be listed and called, by its name."""
        predicate = self._predicates.get(upstream.id)
        if predicate is None:
            predicate = self._narrow(upstream, build_predicate(self._context, upstream, self._all))
            self._predicates[upstream.id] = predicate
        return predicate

    def _narrow(self, upstream: Upstream, predicate: Callable[[str], bool]) -> Callable[[str], bool]:
        """The predicate for those tools only that the place has."""
        if self._tools is None:
            return predicate
        tools = frozenset(self._tools.get(upstream.id, ()))
        return lambda tool: (tool in tools or _EVERY in tools) and predicate(tool)
