"""The body of the route that adds a callback to a team, with the contract's names."""

from typing import Literal

import msgspec

__all__ = ["AddCallbackRequest"]


class AddCallbackRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /team/{team_id}/callback`; `callback_vars` are the settings and credentials of the service."""

    callback_name: str
    callback_vars: dict[str, str]
    callback_type: Literal["success", "failure", "success_and_failure"] | None = None
