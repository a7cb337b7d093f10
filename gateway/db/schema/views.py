"""The views that LiteLLM's proxy makes at its start and reports read; made only where they are absent."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gateway.db.schema.catalog import Catalog
from gateway.db.schema.ddl import quote
from gateway.db.schema.steps import Step

__all__ = ["VIEWS", "plan_views"]

# Names and columns are the contract's. `DailyTagSpend` is not the table LiteLLM_DailyTagSpend.
VIEWS: Mapping[str, str] = MappingProxyType(
    {
        "LiteLLM_VerificationTokenView": """
SELECT key.*, team.spend AS team_spend, team.max_budget AS team_max_budget, team.tpm_limit AS team_tpm_limit,
       team.rpm_limit AS team_rpm_limit, team.models AS team_models, team.metadata AS team_metadata,
       team.blocked AS team_blocked, team.team_alias AS team_alias, aliases.aliases AS team_model_aliases,
       member.spend AS team_member_spend, organization.organization_alias AS organization_alias
FROM "LiteLLM_VerificationToken" key
LEFT JOIN "LiteLLM_TeamTable" team ON team.team_id = key.team_id
LEFT JOIN "LiteLLM_ModelTable" aliases ON aliases.id = team.model_id
LEFT JOIN "LiteLLM_TeamMembership" member ON member.team_id = key.team_id AND member.user_id = key.user_id
LEFT JOIN "LiteLLM_OrganizationTable" organization ON organization.organization_id = key.organization_id
""",
        "MonthlyGlobalSpend": """
SELECT date("startTime") AS date, sum(spend) AS spend
FROM "LiteLLM_SpendLogs" WHERE "startTime" >= CURRENT_DATE - INTERVAL '30 days' GROUP BY date("startTime")
""",
        "MonthlyGlobalSpendPerKey": """
SELECT date("startTime") AS date, sum(spend) AS spend, api_key
FROM "LiteLLM_SpendLogs" WHERE "startTime" >= CURRENT_DATE - INTERVAL '30 days'
GROUP BY date("startTime"), api_key
""",
        "MonthlyGlobalSpendPerUserPerKey": """
SELECT date("startTime") AS date, sum(spend) AS spend, api_key, "user"
FROM "LiteLLM_SpendLogs" WHERE "startTime" >= CURRENT_DATE - INTERVAL '30 days'
GROUP BY date("startTime"), "user", api_key
""",
        "Last30dKeysBySpend": """
SELECT log.api_key, key.key_alias, key.key_name, sum(log.spend) AS total_spend
FROM "LiteLLM_SpendLogs" log LEFT JOIN "LiteLLM_VerificationToken" key ON key.token = log.api_key
WHERE log."startTime" >= CURRENT_DATE - INTERVAL '30 days'
GROUP BY log.api_key, key.key_alias, key.key_name ORDER BY total_spend DESC
""",
        "Last30dModelsBySpend": """
SELECT model, sum(spend) AS total_spend
FROM "LiteLLM_SpendLogs" WHERE "startTime" >= CURRENT_DATE - INTERVAL '30 days' AND model <> ''
GROUP BY model ORDER BY total_spend DESC
""",
        "Last30dTopEndUsersSpend": """
SELECT end_user, count(*) AS total_events, sum(spend) AS total_spend
FROM "LiteLLM_SpendLogs" WHERE "startTime" >= CURRENT_DATE - INTERVAL '30 days'
  AND end_user IS NOT NULL AND end_user <> ''
GROUP BY end_user ORDER BY total_spend DESC LIMIT 100
""",
        "DailyTagSpend": """
SELECT tag.value AS individual_request_tag, date(log."startTime") AS spend_date, count(*) AS log_count,
       sum(log.spend) AS total_spend
FROM "LiteLLM_SpendLogs" log
CROSS JOIN LATERAL jsonb_array_elements_text(
    CASE WHEN jsonb_typeof(log.request_tags) = 'array' THEN log.request_tags ELSE '[]'::jsonb END
) AS tag(value)
GROUP BY tag.value, date(log."startTime")
""",
    }
)


def plan_views(live: Catalog) -> Iterator[Step]:
    """A step for each view of that name that the database lacks; never one that replaces a view."""
    for name, query in VIEWS.items():
        if name not in live.views:
            sql = f"CREATE VIEW {quote(name)} AS {query.strip()}"
            yield Step(sql=sql, reason=f"view {name} is missing", is_needed=False)
