"""The bodies of the routes of a team's models and permissions, with the contract's names."""

import msgspec

__all__ = ["AppendPermissionsRequest", "TeamModelsRequest", "UpdatePermissionsRequest"]


class TeamModelsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /team/model/add` and `/team/model/delete`."""

    team_id: str
    models: list[str]


class UpdatePermissionsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /team/permissions_update`."""

    team_id: str
    team_member_permissions: list[str]


class AppendPermissionsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /team/permissions_bulk_update`: for the named teams, or for all."""

    permissions: list[str]
    team_ids: list[str] | None = None
    apply_to_all_teams: bool | None = None
