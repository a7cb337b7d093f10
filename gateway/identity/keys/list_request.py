"""The queries of the lists of keys, with the contract's names."""

from typing import Annotated

import msgspec

__all__ = ["AliasListQuery", "KeyListQuery", "KeysRequest"]

_Page = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
_Size = Annotated[int, msgspec.Meta(ge=1, le=100)]
_Name = Annotated[str, msgspec.Meta(max_length=512)]


class KeyListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /key/list`: all filters hold together; an empty one is none.

    `substring_matching` lets `user_id` and `key_alias` be parts of what they filter. `expires` is a time in
    ISO form, before which keys expire, or `never`. `cursor` is what the answer before said as `next_cursor`,
    in the place of `page`.
    """

    page: _Page = 1
    size: _Size = 10
    user_id: _Name = ""
    team_id: _Name = ""
    organization_id: _Name = ""
    project_id: _Name = ""
    agent_id: _Name = ""
    access_group_id: _Name = ""
    key_hash: _Name = ""
    key_alias: _Name = ""
    search: _Name = ""
    status: _Name = ""
    expires: _Name = ""
    substring_matching: bool = False
    include_team_keys: bool = False
    include_created_by_keys: bool = False
    return_full_object: bool = False
    expand: list[str] = []
    sort_by: _Name = ""
    sort_order: _Name = "desc"
    cursor: _Name = ""


class AliasListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /key/aliases`."""

    page: _Page = 1
    size: _Size = 50
    search: _Name = ""
    team_id: _Name = ""


class KeysRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v2/key/info`: keys (plain or hashed), or their aliases."""

    keys: list[str] | None = None
    key_aliases: list[str] | None = None
