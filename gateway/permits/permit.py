"""A permit: who may do one thing to one kind of resource, and which members of the request each may set."""

from collections.abc import Iterable, Mapping

import msgspec

from gateway.permits.terms import Action, Party, Resource

__all__ = ["ALL", "SENSITIVE", "Permit", "allow"]

ALL = frozenset({"*"})
"""Every member of a request."""

SENSITIVE = frozenset(
    {
        *("max_budget", "soft_budget", "budget_duration", "budget_id", "budget_limits", "model_max_budget"),
        *("spend", "tpm_limit", "rpm_limit", "max_parallel_requests", "models", "allowed_routes"),
        *("permissions", "object_permission", "user_role", "role", "user_id", "team_id", "organization_id"),
        *("organizations", "teams", "guardrails", "policies", "tags", "metadata", "access_group_ids"),
        *("blocked", "team_member_permissions", "team_member_budget", "members_with_roles", "password"),
        *("max_budget_in_team", "allowed_models", "throttle_on_budget_exceeded", "config"),
    }
)
"""Members that give rights, money or owners; the generated page shows who may set them, and a test tries."""


class Permit(msgspec.Struct, frozen=True, kw_only=True):
    """Who may act, each with the members that it may set; whoever is not named may not act.

    What gateways act on inside `metadata` (`gateway/identity/metadata.py`) is a proxy admin's throughout.
    """

    resource: Resource
    action: Action
    fields: Mapping[Party, frozenset[str]]

    def admits(self, party: Party | None) -> bool:
        """Whether the party may act at all."""
        return party in self.fields

    def lets(self, party: Party | None, name: str) -> bool:
        """Whether the party may act and set the member."""
        names = self.fields.get(party, frozenset()) if party is not None else frozenset[str]()
        return name in names or names is ALL or names == ALL

    def first_refused(self, party: Party | None, names: Iterable[str]) -> str | None:
        """The first of these members that the party may not set."""
        return next((name for name in names if not self.lets(party, name)), None)


def allow(resource: Resource, action: Action, *parties: Party) -> Permit:
    """A permit for proxy admins, for viewers if it reads, and for these parties, without bounds."""
    viewers = (Party.PROXY_ADMIN_VIEWER,) if action is Action.READ else ()
    return Permit(
        resource=resource,
        action=action,
        fields=dict.fromkeys((Party.PROXY_ADMIN, *viewers, *parties), ALL),
    )
