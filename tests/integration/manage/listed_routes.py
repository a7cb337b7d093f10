"""Every list and report, with what it is asked for: of the rows of `listed_rows`, of the last 30 days."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = ["FIGURES", "LISTS", "REPORTS", "list_posts"]

_FIRST, _LAST = (datetime.now(UTC) + timedelta(days=days) for days in (-29, 1))
_DATES = {"start_date": f"{_FIRST:%Y-%m-%d}", "end_date": f"{_LAST:%Y-%m-%d}"}
_MOMENTS = {name: f"{value} 00:00:00" for name, value in _DATES.items()}
_GROUP = {"_selected_model_group": "lot-m-1", "startTime": _FIRST.isoformat(), "endTime": _LAST.isoformat()}
_RANGE = {"filter[startTime][gte]": _FIRST.isoformat(), "filter[startTime][lte]": _LAST.isoformat()}
_Asked = tuple[str, dict[str, Any]]

LISTS: tuple[_Asked, ...] = (
    ("/key/list", {"size": 100}),
    ("/key/list", {"size": 100, "return_full_object": True, "expand": "user"}),
    ("/key/list", {"size": 100, "status": "deleted"}),
    ("/key/aliases", {"size": 100}),
    ("/user/list", {"page_size": 100}),
    ("/user/filter/ui", {"page_size": 100}),
    ("/user/info", {"user_id": "lot-u-1"}),
    ("/user/info", {}),
    ("/team/list", {}),
    ("/team/list", {"organization_id": "lot-o-1"}),
    ("/v2/team/list", {"page_size": 100}),
    ("/v2/team/list", {"page_size": 100, "status": "deleted"}),
    ("/team/info", {"team_id": "lot-t-1"}),
    ("/team/filter/ui", {"page_size": 100}),
    ("/organization/list", {}),
    ("/organization/info", {"organization_id": "lot-o-1"}),
    ("/management/v1/budgets", {"page_size": 1000}),
    *(
        (path, {})
        for path in ("/project/list", "/customer/list", "/budget/list", "/tag/list", "/tag/distinct")
    ),
    *((path, {}) for path in ("/v1/access_group", "/jwt/key/mapping/list", "/credentials")),
    ("/audit", {"page_size": 100}),
    ("/health/history", {"limit": 1000}),
    *((path, {}) for path in ("/guardrails/submissions", "/policies/list", "/policies/attachments/list")),
    *((path, {}) for path in ("/policies/name/lot-y/versions", "/v1/tool/list", "/v1/tool/lot-tool/logs")),
    *((path, {}) for path in ("/v1/mcp/server", "/v1/mcp/server/submissions", "/v1/mcp/access_groups")),
    *((path, {}) for path in ("/v1/mcp/toolset", "/v1/mcp/server/lot-v-1/user-credentials")),
    ("/v1/mcp/user-env-vars/status", {}),
    *((path, {}) for path in ("/v1/models", "/v1/model/info", "/v2/model/info", "/model_group/info")),
    ("/scim/v2/Users", {"count": 200}),
    ("/scim/v2/Groups", {"count": 200}),
    ("/scim/v2/Groups/lot-t-1", {}),
)
REPORTS: tuple[_Asked, ...] = (
    *(
        (f"/{entity}/daily/activity{rest}", _DATES)
        for entity in ("user", "team", "organization", "customer", "tag", "agent")
        for rest in ("", "/aggregated", "/export")
    ),
    *(
        (f"/{entity}/daily/activity/aggregated/{rest}", {**_DATES, **asked})
        for entity in ("user", "team", "organization", "customer", "tag", "agent")
        for rest, asked in (
            ("keys", {"page_size": 100}),
            ("search", {"search": "lot"}),
            ("model_top_keys", {"model": "lot-m-1"}),
        )
    ),
    ("/user/daily/activity/aggregated/cache_leakage_keys", _DATES),
    *((f"/global/activity/{name}", _DATES) for name in ("model", "cache_hits")),
    ("/global/activity/exceptions/deployment", {**_DATES, "model_group": "lot-m-1"}),
    *((f"/global/spend/{name}", {"limit": 1000}) for name in ("keys", "models")),
    *((path, {}) for path in ("/global/spend/teams", "/global/spend/all_tag_names", "/global/all_end_users")),
    *((f"/global/spend/{name}", _DATES) for name in ("provider", "tags", "report")),
    *(("/global/spend/report", {**_DATES, "group_by": kind}) for kind in ("customer", "api_key")),
    ("/key/spend/report", {**_DATES, "api_key": "lot-k-1"}),
    ("/user/spend/report", {**_DATES, "internal_user_id": "lot-u-1"}),
    ("/team/spend/report", {**_DATES, "team_id": "lot-t-1"}),
    ("/organization/spend/report", {**_DATES, "organization_id": "lot-o-1"}),
    ("/spend/logs", {}),
    ("/spend/logs", _DATES),
    ("/spend/logs/v2", {**_MOMENTS, "page_size": 100}),
    ("/spend/logs/session/ui", {"session_id": "lot-session"}),
    *((f"/spend/{name}", {}) for name in ("keys", "users", "tags")),
    *((f"/management/v1/spend_logs/{facet}", _RANGE) for facet in ("users", "end_users")),
    *((f"/model/metrics{rest}", _GROUP) for rest in ("", "/exceptions", "/slow_responses")),
    ("/model/streaming_metrics", _GROUP),
    *((f"/model-insights{rest}", _DATES) for rest in ("", "/tasks")),
    ("/tag/user-agent/per-user-analytics", {}),
    *((f"/tag/{name}", {}) for name in ("dau", "wau", "mau")),
    ("/tag/summary", _DATES),
    *((f"/{kind}/usage/overview", _DATES) for kind in ("guardrails", "policies")),
)
FIGURES: tuple[_Asked, ...] = (
    ("/v2/user/info", {"user_id": "lot-u-1"}),
    *((path, {}) for path in ("/v1/mcp/user-credentials", "/v1/mcp/registry.json", "/public/mcp_hub")),
    *(
        (path, {})
        for path in (
            "/health/latest",
            "/public/model_hub",
            "/credentials/migrate-encryption/check",
            "/books/check",
        )
    ),
    *((path, {}) for path in ("/user/available_users", "/access_group/list", "/provider/budgets")),
    *(
        (path, {})
        for path in ("/guardrails/list", "/v2/guardrails/list", "/policy/list", "/books/adjustments")
    ),
    *((path, {}) for path in ("/config/pass_through_endpoint", "/global/spend", "/global/spend/logs")),
    *((path, _DATES) for path in ("/global/activity", "/gateway/daily/activity", "/v1/tool/spend")),
    ("/global/activity/exceptions", {**_DATES, "model_group": "lot-m-1"}),
    ("/team/spend/by_user", {**_DATES, "team_ids": "lot-t-1"}),
    ("/spend/logs/v2", {**_MOMENTS, "group_by_session": True}),
    ("/cost_optimization/prompt_caching/requests", _RANGE | {k: f"{v}T00:00:00" for k, v in _DATES.items()}),
    ("/guardrails/usage/logs", {**_DATES, "guardrail_id": "lot"}),
    ("/user/get_requests", {}),
)
"""What says no more where there is more: sums, pages of one session, what the configuration has."""


def list_posts(count: int) -> Iterator[_Asked]:
    """Reads with a body, of so many things."""
    numbers = range(1, count + 1)
    yield "/v2/key/info", {"keys": [f"lot-k-{n}" for n in numbers]}
    yield "/budget/info", {"budgets": [f"lot-b-{n}" for n in numbers]}
    yield "/tag/info", {"names": [f"lot-g-{n}" for n in numbers]}
    yield "/organization/info", {"organizations": [f"lot-o-{n}" for n in numbers]}
    yield "/global/spend/end_users", {}
