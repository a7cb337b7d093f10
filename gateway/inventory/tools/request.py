"""The body of the routes of tools."""

from typing import Literal

import msgspec

__all__ = ["INPUT_POLICIES", "OUTPUT_POLICIES", "InputPolicy", "ToolPolicyRequest"]

InputPolicy = Literal["trusted", "untrusted", "blocked"]
OutputPolicy = Literal["trusted", "untrusted"]
INPUT_POLICIES: tuple[InputPolicy, ...] = ("trusted", "untrusted", "blocked")
OUTPUT_POLICIES: tuple[OutputPolicy, ...] = ("trusted", "untrusted")


class ToolPolicyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/tool/policy`: what holds for a tool; with a team or a key, for these only.

    `key_alias` names a key as well as `key_hash` does.
    """

    tool_name: str
    input_policy: InputPolicy | None = None
    output_policy: OutputPolicy | None = None
    team_id: str | None = None
    key_hash: str | None = None
    key_alias: str | None = None
