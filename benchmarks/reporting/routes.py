"""The first pages of all lists and reports."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

__all__ = ["list_requests"]


def list_requests(key: str) -> list[tuple[str, str]]:
    """Methods and addresses, with the parameters of a look at the last 30 days."""
    now = datetime.now(UTC)
    days = urlencode({"start_date": f"{now - timedelta(days=29):%Y-%m-%d}", "end_date": f"{now:%Y-%m-%d}"})
    times = urlencode(
        {
            "start_date": f"{now - timedelta(days=29):%Y-%m-%d %H:%M:%S}",
            "end_date": f"{now + timedelta(days=1):%Y-%m-%d %H:%M:%S}",
        }
    )
    of_entities = [
        f"/{kind}/daily/activity{rest}?{days}"
        for kind in ("user", "team", "organization", "customer", "tag", "agent")
        for rest in ("", "/aggregated", "/aggregated/keys", "/aggregated/model_top_keys")
    ]
    of_one = [
        f"/user/daily/activity/aggregated?{days}&user_id=user-3",
        f"/team/daily/activity/aggregated?{days}&team_ids=team-3",
        f"/user/daily/activity/aggregated/search?{days}&search=alias-77",
        f"/user/daily/activity/aggregated/cache_leakage_keys?{days}",
        f"/user/daily/activity/export?{days}&user_id=user-3",
        f"/key/spend/report?{days}&api_key={key}",
        f"/user/spend/report?{days}&internal_user_id=user-3",
        f"/team/spend/report?{days}&team_id=team-3",
        f"/organization/spend/report?{days}&organization_id=org-3",
        f"/team/spend/by_user?{days}&team_ids=team-3,team-4",
    ]
    totals = [
        *(f"/global/spend{rest}" for rest in ("", "/logs", "/keys?limit=100", "/models", "/teams")),
        *(f"/global/spend/{name}?{days}" for name in ("provider", "tags", "report")),
        *(f"/global/spend/report?{days}&group_by={kind}" for kind in ("customer", "api_key")),
        f"/global/spend/logs?api_key={key}",
        "/global/spend/all_tag_names",
        *(f"/global/activity{rest}?{days}" for rest in ("", "/model", "/cache_hits")),
        f"/global/activity/exceptions?{days}&model_group=group-1",
        f"/global/activity/exceptions/deployment?{days}&model_group=group-1",
        f"/gateway/daily/activity?{days}",
    ]
    rows = [
        f"/spend/logs?api_key={key}",
        "/spend/logs?user_id=user-3",
        "/spend/logs?request_id=chatcmpl-77",
        "/spend/logs",
        f"/spend/logs?{days}",
        f"/spend/logs/v2?{times}",
        f"/spend/logs/v2?{times}&user_id=user-3",
        f"/spend/logs/v2?{times}&user_id=nobody",
        f"/spend/logs/v2?{times}&api_key={key}",
        f"/spend/logs/v2?{times}&team_id=team-3",
        f"/spend/logs/v2?{times}&end_user=customer-3",
        f"/spend/logs/v2?{times}&model_group=group-3",
        f"/spend/logs/v2?{times}&request_id=chatcmpl-77",
        f"/spend/logs/v2?{times}&status_filter=failure",
        f"/spend/logs/v2?{times}&group_by_session=true",
        "/spend/logs/session/ui?session_id=session-7",
        "/spend/logs/ui/chatcmpl-77",
        *("/spend/keys", "/spend/users", "/spend/tags"),
    ]
    lists = [
        *("/key/list", "/key/list?return_full_object=true", "/key/list?sort_by=spend", "/key/aliases"),
        *("/key/list?search=alias-77", "/key/list?search=nothing", "/key/aliases?search=alias-77"),
        *("/user/list", "/user/filter/ui"),
        *("/team/list", "/team/list?organization_id=org-3", "/v2/team/list", "/team/info?team_id=team-3"),
        *("/user/info?user_id=user-3", "/organization/list?limit=100", "/project/list", "/customer/list"),
        *("/budget/list", "/tag/list", "/v1/models", "/v1/model/info", "/model_group/info"),
        *("/audit", "/audit?object_id=user-3", "/audit?action=deleted", "/audit?search=nothing"),
        *("/audit?object_team_id=team-3", "/audit?sort_by=changed_by"),
        *("/health/history", "/health/latest", "/provider/budgets", "/books/adjustments"),
    ]
    read = [("GET", path) for path in (*of_entities, *of_one, *totals, *rows, *lists)]
    return [*read, ("POST", "/global/spend/end_users")]
