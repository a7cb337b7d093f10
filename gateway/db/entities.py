"""The tables whose rows carry spend, in the order in which every writer locks them."""

import msgspec

from gateway.domain import Scope, ScopeKind

__all__ = ["DAILY_TABLES", "ENTITIES", "GATEWAY_USER_ID", "Entity", "entity_of", "scopes_of"]

GATEWAY_USER_ID = "litellm-proxy-budget"
"""The row of LiteLLM_UserTable in which the spend of the whole gateway stands, as in LiteLLM."""


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """A table with a column `spend`; `owner_key` is the second column of a membership's primary key."""

    kind: ScopeKind
    table: str
    key: str
    owner_key: str = ""

    @property
    def id_sql(self) -> str:
        """The id as scopes have it, of the row `t`."""
        return f"t.{self.key} || ':' || t.{self.owner_key}" if self.owner_key else f"t.{self.key}"

    @property
    def order_sql(self) -> str:
        """The order in which rows `t` are locked, by the drain and by everybody else."""
        keys = (self.key, self.owner_key) if self.owner_key else (self.key,)
        return ", ".join(f't.{key} COLLATE "C"' for key in keys)

    def match_sql(self, other: str) -> str:
        """The condition that the row `t` has the `id` and the `owner_id` of another one."""
        owner = f" AND t.{self.owner_key} = {other}.owner_id" if self.owner_key else ""
        return f"t.{self.key} = {other}.id{owner}"


ENTITIES = (
    Entity(kind=ScopeKind.KEY, table="LiteLLM_VerificationToken", key="token"),
    Entity(kind=ScopeKind.USER, table="LiteLLM_UserTable", key="user_id"),
    Entity(kind=ScopeKind.TEAM, table="LiteLLM_TeamTable", key="team_id"),
    Entity(kind=ScopeKind.TEAM_MEMBER, table="LiteLLM_TeamMembership", key="user_id", owner_key="team_id"),
    Entity(kind=ScopeKind.ORGANIZATION, table="LiteLLM_OrganizationTable", key="organization_id"),
    Entity(
        kind=ScopeKind.ORGANIZATION_MEMBER,
        table="LiteLLM_OrganizationMembership",
        key="user_id",
        owner_key="organization_id",
    ),
    Entity(kind=ScopeKind.PROJECT, table="LiteLLM_ProjectTable", key="project_id"),
    Entity(kind=ScopeKind.END_USER, table="LiteLLM_EndUserTable", key="user_id"),
    Entity(kind=ScopeKind.TAG, table="LiteLLM_TagTable", key="tag_name"),
    Entity(kind=ScopeKind.AGENT, table="LiteLLM_AgentsTable", key="agent_id"),
)

DAILY_TABLES = (
    ("LiteLLM_DailyUserSpend", "user_id"),
    ("LiteLLM_DailyTeamSpend", "team_id"),
    ("LiteLLM_DailyOrganizationSpend", "organization_id"),
    ("LiteLLM_DailyEndUserSpend", "end_user_id"),
    ("LiteLLM_DailyAgentSpend", "agent_id"),
    ("LiteLLM_DailyTagSpend", "tag"),
)
"""The daily tables, with the column that says whose day it is."""


def entity_of(kind: ScopeKind) -> Entity:
    """The table of a kind of scope; raises LookupError for one that has none."""
    for entity in ENTITIES:
        if entity.kind is kind:
            return entity
    raise LookupError(kind)


def scopes_of(entity: Entity, entity_id: str) -> tuple[Scope, ...]:
    """The scopes whose spend is that of a row: its own, and the gateway's if it stands in this row."""
    own = Scope(entity.kind, entity_id)
    if entity.kind is ScopeKind.USER and entity_id == GATEWAY_USER_ID:
        return own, Scope(ScopeKind.GATEWAY, "gateway")
    return (own,)
