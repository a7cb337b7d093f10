"""The bodies of the routes of a team's members, with the contract's names."""

from datetime import datetime
from typing import Literal

import msgspec

from gateway.identity.teams.request import Member

__all__ = [
    "BulkAddMembersRequest",
    "BulkDeleteMembersRequest",
    "BulkUpdateMembersRequest",
    "DeleteMemberRequest",
    "MemberBudgetPatch",
    "MemberRef",
    "UpdateMemberRequest",
]


class MemberRef(msgspec.Struct, frozen=True, kw_only=True):
    """A member, by id or else by address."""

    user_id: str | None = None
    user_email: str | None = None


class DeleteMemberRequest(MemberRef, frozen=True, kw_only=True):
    """`POST /team/member_delete`."""

    team_id: str


class MemberBudgetPatch(MemberRef, frozen=True, kw_only=True):
    """What changes for one member: only what is sent, null clears. Money is USD, rates are per minute."""

    role: Literal["admin", "user"] | None = None
    max_budget_in_team: float | None = None
    tpm_limit: int | None = None
    rpm_limit: int | None = None
    budget_duration: str | None = None
    allowed_models: list[str] | None = None
    temp_budget_increase: float | None = None
    temp_budget_expiry: datetime | None = None


class UpdateMemberRequest(MemberBudgetPatch, frozen=True, kw_only=True):
    """`POST /team/member_update`."""

    team_id: str


class BulkAddMembersRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /team/bulk_member_add`: members, or every user."""

    team_id: str
    members: list[Member] | None = None
    all_users: bool | None = None
    max_budget_in_team: float | None = None


class BulkDeleteMembersRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /management/v1/teams/{team_id}/members/bulk_delete`."""

    members: list[MemberRef]


class BulkUpdateMembersRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /management/v1/teams/{team_id}/members/bulk_update`: each as in `UpdateMemberRequest`."""

    members: list[dict[str, msgspec.Raw]]
