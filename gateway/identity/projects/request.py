"""The body of `POST /project/new`, with the contract's names."""

from gateway.identity.budgets.request import InlineBudget
from gateway.identity.keys.request import ObjectPermission

__all__ = ["NewProjectRequest"]


class NewProjectRequest(InlineBudget, frozen=True, kw_only=True):
    """A project of a team, with the budget that it names or brings along."""

    team_id: str
    project_id: str | None = None
    project_alias: str | None = None
    description: str | None = None
    models: list[str] | None = None
    metadata: dict[str, object] | None = None
    blocked: bool | None = None
    object_permission: ObjectPermission | None = None
    model_rpm_limit: dict[str, int] | None = None
    model_tpm_limit: dict[str, int] | None = None
    # These have no column: they are kept in `metadata`.
    model_itpm_limit: dict[str, int] | None = None
    model_otpm_limit: dict[str, int] | None = None
    tags: list[str] | None = None
    guardrails: list[str] | None = None
    policies: list[str] | None = None
