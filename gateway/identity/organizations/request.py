"""The bodies of the organization routes, with the contract's names."""

from typing import Literal

import msgspec

from gateway.identity.budgets.request import BudgetMembers, InlineBudget
from gateway.identity.keys.request import ObjectPermission

__all__ = [
    "AddOrganizationMembersRequest",
    "DeleteOrganizationMemberRequest",
    "DeleteOrganizationsRequest",
    "NewOrganizationRequest",
    "OrganizationMember",
    "OrganizationsRequest",
    "PatchOrganizationRequest",
    "UpdateOrganizationMemberRequest",
    "UpdateOrganizationRequest",
]


class NewOrganizationRequest(InlineBudget, frozen=True, kw_only=True):
    """An organization, with the budget that it names or brings along."""

    organization_alias: str
    organization_id: str | None = None
    models: list[str] | None = None
    metadata: dict[str, object] | None = None
    model_rpm_limit: dict[str, int] | None = None
    model_tpm_limit: dict[str, int] | None = None
    object_permission: ObjectPermission | None = None


class UpdateOrganizationRequest(InlineBudget, frozen=True, kw_only=True):
    """What changes of an organization, null clearing it; `spend` is USD."""

    organization_id: str
    organization_alias: str | None = None
    spend: float | None = None
    models: list[str] | None = None
    metadata: dict[str, object] | None = None
    model_rpm_limit: dict[str, int] | None = None
    model_tpm_limit: dict[str, int] | None = None
    object_permission: ObjectPermission | None = None


class PatchOrganizationRequest(BudgetMembers, frozen=True, kw_only=True):
    """`PATCH /v2/organization/{organization_id}`, where no other member is accepted."""

    organization_alias: str | None = None
    models: list[str] | None = None
    metadata: dict[str, object] | None = None
    object_permission: ObjectPermission | None = None


class DeleteOrganizationsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`DELETE /organization/delete`."""

    organization_ids: list[str]


class OrganizationsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /organization/info`."""

    organizations: list[str]


class OrganizationMember(msgspec.Struct, frozen=True, kw_only=True):
    """A member to be, by id or by address, and what it will be in the organization."""

    role: Literal["org_admin", "internal_user", "internal_user_viewer"]
    user_id: str | None = None
    user_email: str | None = None


class AddOrganizationMembersRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /organization/member_add`; the budget, USD, is each member's own."""

    organization_id: str
    member: list[OrganizationMember] | OrganizationMember
    max_budget_in_organization: float | None = None


class DeleteOrganizationMemberRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`DELETE /organization/member_delete`: one member, by id or by address."""

    organization_id: str
    user_id: str | None = None
    user_email: str | None = None


class UpdateOrganizationMemberRequest(DeleteOrganizationMemberRequest, frozen=True, kw_only=True):
    """`PATCH /organization/member_update`."""

    role: Literal["org_admin", "internal_user", "internal_user_viewer"] | None = None
    max_budget_in_organization: float | None = None
