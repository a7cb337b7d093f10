"""What is asked of users, teams, organizations, projects and customers, as they come and go."""

from tests.integration.manage.asked import Asked

__all__ = ["ARRIVALS", "DEPARTURES"]

_LANGFUSE = {"callback_name": "langfuse", "callback_vars": {}}
_MEMBER = {"team_id": "t-1", "user_id": "u-1"}
_OF_ORGANIZATION = {"organization_id": "o-1", "user_id": "u-1"}

ARRIVALS: tuple[Asked, ...] = (
    Asked(3, "POST /budget/new", {"budget_id": "b-1", "max_budget": 5}),
    Asked(4, "POST /budget/update", {"budget_id": "b-1", "max_budget": 6}),
    Asked(1, "GET /budget/settings", query={"budget_id": "b-1"}),
    Asked(
        8,
        "POST /organization/new",
        {"organization_id": "o-1", "organization_alias": "Acme", "max_budget": 10},
    ),
    Asked(11, "PATCH /organization/update", {"organization_id": "o-1", "max_budget": 11}),
    Asked(7, "PATCH /v2/organization/{organization_id:str}", {"organization_alias": "Acme 2"}),
    Asked(
        15,
        "POST /user/new",
        {"user_id": "u-1", "user_email": "u1@example.com", "max_budget": 9},
        keeps={"user_key": "key"},
    ),
    Asked(6, "POST /user/new", {"user_id": "u-2", "auto_create_key": False}),
    Asked(4, "POST /user/update", {"user_id": "u-1", "max_budget": 8}),
    Asked(4, "POST /user/bulk_update", {"users": [{"user_id": "u-1", "max_budget": 8}]}),
    Asked(13, "POST /management/v1/users/bulk", {"users": [{"user_id": "u-3"}]}),
    Asked(0, "GET /user/available_roles"),
    Asked(
        10,
        "POST /organization/member_add",
        {**_OF_ORGANIZATION, "member": {"user_id": "u-1", "role": "internal_user"}},
    ),
    Asked(6, "PATCH /organization/member_update", {**_OF_ORGANIZATION, "role": "org_admin"}),
    Asked(
        19,
        "POST /team/new",
        {"team_id": "t-1", "team_alias": "Red", "organization_id": "o-1", "max_budget": 7},
    ),
    Asked(8, "POST /team/update", {"team_id": "t-1", "max_budget": 6}),
    Asked(9, "PATCH /team/{team_id:str}", {"team_alias": "Blue"}),
    Asked(4, "POST /team/block", {"team_id": "t-1"}),
    Asked(4, "POST /team/unblock", {"team_id": "t-1"}),
    Asked(13, "POST /team/member_add", {"team_id": "t-1", "member": {"user_id": "u-1", "role": "user"}}),
    Asked(
        14, "POST /team/bulk_member_add", {"team_id": "t-1", "members": [{"user_id": "u-2", "role": "user"}]}
    ),
    Asked(7, "POST /team/member_update", {**_MEMBER, "max_budget_in_team": 1}),
    Asked(
        8,
        "POST /management/v1/teams/{team_id:str}/members/bulk_update",
        {"members": [{"user_id": "u-2", "max_budget_in_team": 1}]},
    ),
    Asked(4, "GET /team/{team_id:str}/members/me", by="user_key"),
    Asked(7, "POST /team/{team_id:str}/member/{user_id:str}/reset_spend", {"reset_to": 0}),
    Asked(7, "POST /team/{team_id:str}/member/{user_id:str}/reset_budget"),
    Asked(9, "POST /team/model/add", {"team_id": "t-1", "models": ["m"]}),
    Asked(9, "POST /team/model/delete", {"team_id": "t-1", "models": ["m"]}),
    Asked(1, "GET /team/permissions_list", query={"team_id": "t-1"}),
    Asked(
        4, "POST /team/permissions_update", {"team_id": "t-1", "team_member_permissions": ["/key/generate"]}
    ),
    Asked(5, "POST /team/permissions_bulk_update", {"permissions": ["/key/update"], "team_ids": ["t-1"]}),
    Asked(0, "GET /team/metadata_schema"),
    Asked(0, "GET /team/available"),
    Asked(4, "POST /team/{team_id:str}/callback", _LANGFUSE),
    Asked(1, "GET /team/{team_id:str}/callback"),
    Asked(4, "DELETE /team/{team_id:str}/callback/{callback_name:str}"),
    Asked(4, "POST /team/{team_id:str}/disable_logging"),
    Asked(
        7, "POST /project/new", {"team_id": "t-1", "project_alias": "p"}, keeps={"project_id": "project_id"}
    ),
    Asked(9, "POST /project/update", {"project_id": "{project_id}", "max_budget": 2}),
    Asked(2, "GET /project/info", query={"project_id": "{project_id}"}),
    Asked(8, "POST /customer/new", {"user_id": "c-1", "max_budget": 5}),
    Asked(8, "POST /customer/update", {"user_id": "c-1", "max_budget": 6}),
    Asked(5, "POST /customer/block", {"user_ids": ["c-1"]}),
    Asked(5, "POST /customer/unblock", {"user_ids": ["c-1"]}),
    Asked(2, "GET /customer/info", query={"end_user_id": "c-1"}),
    Asked(8, "POST /tag/new", {"name": "g-1", "max_budget": 5}),
    Asked(8, "POST /tag/update", {"name": "g-1", "max_budget": 6}),
    Asked(
        4,
        "POST /user/request_model",
        {"models": ["m"], "justification": "x"},
        keeps={"request": "request_id"},
        by="user_key",
    ),
    Asked(4, "POST /user/approve_request", {"request_id": "{request}"}),
    Asked(
        4,
        "POST /user/request_model",
        {"models": ["m"], "justification": "x"},
        keeps={"request": "request_id"},
        by="user_key",
    ),
    Asked(3, "POST /user/disapprove_request", {"request_id": "{request}"}),
)
"""Keys of `u-1` and of the team `t-1` are asked for in between."""

DEPARTURES: tuple[Asked, ...] = (
    Asked(
        12,
        "POST /team/key/bulk_update",
        {"team_id": "t-1", "all_keys_in_team": True, "update_fields": {"max_budget": 1}},
    ),
    Asked(4, "POST /tag/delete", {"name": "g-1"}),
    Asked(4, "POST /customer/delete", {"user_ids": ["c-1"]}),
    Asked(6, "DELETE /project/delete", {"project_ids": ["{project_id}"]}),
    Asked(
        11, "POST /management/v1/teams/{team_id:str}/members/bulk_delete", {"members": [{"user_id": "u-2"}]}
    ),
    Asked(12, "POST /team/member_delete", _MEMBER),
    Asked(22, "POST /team/delete", {"team_ids": ["t-1"]}),
    Asked(6, "DELETE /organization/member_delete", _OF_ORGANIZATION),
    Asked(32, "DELETE /organization/delete", {"organization_ids": ["o-1"]}),
    Asked(22, "POST /user/delete", {"user_ids": ["u-1"]}),
    Asked(17, "POST /management/v1/users/bulk_delete", {"user_ids": ["u-2"]}),
    Asked(5, "POST /budget/delete", {"id": "b-1"}),
)
