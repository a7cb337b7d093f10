"""Which tool of which server a call means."""

from gateway.hooks import RequestContext
from gateway_mcp.aggregate.calls import FOUND_TOOL
from gateway_mcp.charging import note_request
from gateway_mcp.kinds import KINDS
from gateway_mcp.listings import Listings
from gateway_mcp.names import split_name, split_uri
from gateway_mcp.reach import Reach
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import NAMED, Object

__all__ = ["RoofTools"]


class RoofTools:
    """Finds tools by `prefix-name`, and by the bare name where just one server of all has it.

    It hides none: lists are put together of what may be shown.
    """

    hides = False
    instructions = ""

    def __init__(self, context: RequestContext, reach: Reach, listings: Listings) -> None:
        self._context = context
        self._reach = reach
        self._listings = listings

    async def find(self, name: str) -> tuple[Upstream, str] | None:
        """See Tools.find."""
        found = split_name(name, self._reach.upstreams)
        if found is None or not self._reach.may_use(*found):
            found = await self._find_bare(name)
        if found is None or not await self._listings.holds(*found, self._context):
            return None
        self._context.state[FOUND_TOOL] = found
        return found

    def note(self, method: str, thing: object) -> None:
        """See Tools.note."""
        split = split_uri if NAMED[method] == "uri" else split_name
        found = split(thing, self._reach.upstreams) if isinstance(thing, str) else None
        if found is not None:
            note_request(self._context, found[0])

    def show(self, tool: Object) -> Object | None:
        """Lists are put together of what may be shown."""
        return tool

    async def _find_bare(self, name: str) -> tuple[Upstream, str] | None:
        listed = await self._listings.find(self._reach.upstreams, KINDS["tools/list"], self._context)
        if any(listing.error is not None and not listing.is_unknown for _, listing in listed):
            # The one that is missing may have another tool of this name.
            return None
        having = [one for one, listing in listed if any(item.name == name for item in listing.items)]
        return (having[0], name) if len(having) == 1 and self._reach.may_use(having[0], name) else None
