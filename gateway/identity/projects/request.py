"""The bodies of the project routes, with the contract's names."""

import msgspec

from gateway.identity.budgets.request import InlineBudget
from gateway.identity.keys.request import ObjectPermission

__all__ = ["DeleteProjectsRequest", "NewProjectRequest", "ProjectMembers", "UpdateProjectRequest"]


class ProjectMembers(InlineBudget, frozen=True, kw_only=True):
    """What a project can have, made or updated."""

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


class NewProjectRequest(ProjectMembers, frozen=True, kw_only=True):
    """A project of a team, with the budget that it names or brings along."""

    team_id: str
    project_id: str | None = None


class UpdateProjectRequest(ProjectMembers, frozen=True, kw_only=True):
    """What changes of a project, null clearing it; another `team_id` moves it."""

    project_id: str
    team_id: str | None = None


class DeleteProjectsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`DELETE /project/delete`."""

    project_ids: list[str]
