"""What is asked of keys, JWT mappings and access groups."""

from tests.integration.manage.asked import Asked

__all__ = ["ROWS"]

_GROUP = "/v1/access_group/{access_group_id:str}"
_MAPPING = {"jwt_claim_name": "sub", "jwt_claim_value": "somebody", "key": "{key}"}

ROWS: tuple[Asked, ...] = (
    Asked(6, "POST /key/generate", {"models": ["m"]}, keeps={"key": "key", "token": "token"}),
    Asked(9, "POST /key/generate", {"key_alias": "named", "team_id": "t-1"}, keeps={"other": "token"}),
    Asked(8, "POST /key/service-account/generate", {"team_id": "t-1"}),
    Asked(5, "POST /key/update", {"key": "{key}", "max_budget": 3}),
    Asked(5, "POST /key/bulk_update", {"keys": [{"key": "{key}", "max_budget": 3}]}),
    Asked(1, "GET /key/info", query={"key": "{key}"}),
    Asked(1, "POST /v2/key/info", {"keys": ["{key}", "{other}"]}),
    Asked(2, "GET /key/list", query={"team_id": "t-1"}),
    Asked(2, "GET /key/aliases", query={"team_id": "t-1"}),
    Asked(4, "POST /key/block", {"key": "{key}"}),
    Asked(4, "POST /key/unblock", {"key": "{key}"}),
    Asked(0, "POST /key/health"),
    Asked(7, "POST /key/{key:str}/reset_spend", {"reset_to": 0}),
    Asked(5, "POST /jwt/key/mapping/new", _MAPPING, keeps={"mapping": "id"}),
    Asked(6, "POST /jwt/key/mapping/update", {"id": "{mapping}", "description": "x"}),
    Asked(1, "GET /jwt/key/mapping/info", query={"id": "{mapping}"}),
    Asked(5, "POST /jwt/key/mapping/delete", {"id": "{mapping}"}),
    Asked(12, "POST /key/regenerate", {"key": "{key}"}, keeps={"key": "key", "token": "token"}),
    Asked(12, "POST /key/{key:str}/regenerate", {}, keeps={"key": "key", "token": "token"}),
    Asked(
        11,
        "POST /v1/access_group",
        {"access_group_name": "g", "assigned_key_ids": ["{token}"], "assigned_team_ids": ["t-1"]},
        keeps={"access_group_id": "access_group_id"},
    ),
    Asked(2, f"GET {_GROUP}"),
    Asked(12, f"PUT {_GROUP}", {"assigned_key_ids": ["{token}", "{other}"], "assigned_team_ids": []}),
    Asked(9, f"DELETE {_GROUP}"),
    Asked(10, "POST /key/delete", {"keys": ["{key}"]}),
)
