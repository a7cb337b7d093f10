"""What the operator says of a server beside where it is: what its tools cost, and its logo."""

from collections.abc import Mapping
from functools import cached_property
from typing import TypedDict

import msgspec

from gateway.money import nanos_from_usd

__all__ = ["CostInfo", "McpInfo"]


class CostInfo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """What one call costs in USD: of the tools that are named, and of all others.

    A number may be a text: so YAML reads `1e-05`.
    """

    default_cost_per_query: float | str | None = None
    tool_name_to_cost_per_query: Mapping[str, float | str | None] = {}

    def __post_init__(self) -> None:
        for usd in (self.default_cost_per_query, *self.tool_name_to_cost_per_query.values()):
            if usd is not None and nanos_from_usd(usd) < 0:
                raise ValueError("the price of a call is at least 0")

    def price_of(self, tool: str) -> int:
        """What a call of a tool costs, in nano-dollars; 0 where nothing is said."""
        return self._of_tools.get(tool, self._default)

    @cached_property
    def _of_tools(self) -> dict[str, int]:
        stated = self.tool_name_to_cost_per_query.items()
        return {tool: nanos_from_usd(usd) for tool, usd in stated if usd is not None}

    @cached_property
    def _default(self) -> int:
        usd = self.default_cost_per_query
        return 0 if usd is None else nanos_from_usd(usd)


class McpInfo(TypedDict, total=False):
    """What LiteLLM calls `mcp_info`; whatever else is in it is for those who look at servers."""

    mcp_server_cost_info: CostInfo | None
    logo_url: str | None
