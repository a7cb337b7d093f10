"""The body of `POST /organization/new`, with the contract's names."""

from gateway.identity.budgets.request import InlineBudget
from gateway.identity.keys.request import ObjectPermission

__all__ = ["NewOrganizationRequest"]


class NewOrganizationRequest(InlineBudget, frozen=True, kw_only=True):
    """An organization, with the budget that it names or brings along."""

    organization_alias: str
    organization_id: str | None = None
    models: list[str] | None = None
    metadata: dict[str, object] | None = None
    model_rpm_limit: dict[str, int] | None = None
    model_tpm_limit: dict[str, int] | None = None
    object_permission: ObjectPermission | None = None
