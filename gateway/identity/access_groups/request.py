"""The bodies of the access group routes, with the contract's names."""

import msgspec

__all__ = ["NewAccessGroupRequest", "UpdateAccessGroupRequest"]


class _Members(msgspec.Struct, frozen=True, kw_only=True):
    """What an access group can have. Keys are named by their hashes, or as they are."""

    description: str | None = None
    access_model_names: list[str] | None = None
    access_mcp_server_ids: list[str] | None = None
    access_agent_ids: list[str] | None = None
    assigned_team_ids: list[str] | None = None
    assigned_key_ids: list[str] | None = None


class NewAccessGroupRequest(_Members, frozen=True, kw_only=True):
    """A new access group, which has to have a name."""

    access_group_name: str


class UpdateAccessGroupRequest(_Members, frozen=True, kw_only=True):
    """What changes of an access group, null emptying it."""

    access_group_name: str | None = None
