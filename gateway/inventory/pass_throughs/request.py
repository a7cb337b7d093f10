"""The body of the routes of pass-throughs."""

import msgspec

__all__ = ["PassThroughRequest"]


class PassThroughRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`POST /config/pass_through_endpoint`, with and without an id: as an item of the configuration.

    `cost_per_request` is in USD, `timeout` in seconds. A header that is sent as it is shown, masked, stays.
    """

    path: str
    target: str
    id: str | None = None
    headers: dict[str, str] = {}
    default_query_params: dict[str, str | int | float | bool] = {}
    include_subpath: bool = False
    forward_headers: bool = False
    merge_query_params: bool = False
    cost_per_request: float = 0.0
    timeout: float | None = None
    auth: bool = True
    guardrails: dict[str, object] | list[str] | None = None
    is_from_config: bool = False
    methods: list[str] | None = None

    __repr__ = object.__repr__
