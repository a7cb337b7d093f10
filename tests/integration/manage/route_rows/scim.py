"""What an identity provider asks by SCIM."""

from tests.integration.manage.asked import Asked

__all__ = ["ROWS"]

_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def _patch(path: str, value: object) -> object:
    return {"schemas": [_PATCH], "Operations": [{"op": "replace", "path": path, "value": value}]}


ROWS: tuple[Asked, ...] = (
    Asked(0, "GET /scim/v2"),
    Asked(0, "GET /scim/v2/ServiceProviderConfig"),
    Asked(0, "GET /scim/v2/ResourceTypes"),
    Asked(0, "GET /scim/v2/ResourceTypes/{resource_type_id:str}"),
    Asked(0, "GET /scim/v2/Schemas"),
    Asked(0, "GET /scim/v2/Schemas/{schema_id:str}"),
    Asked(10, "POST /scim/v2/Users", {"userName": "scim@example.com"}, keeps={"user_id": "id"}),
    Asked(1, "GET /scim/v2/Users/{user_id:str}"),
    Asked(7, "PUT /scim/v2/Users/{user_id:str}", {"userName": "scim@example.com", "displayName": "Scim"}),
    Asked(7, "PATCH /scim/v2/Users/{user_id:str}", _patch("displayName", "Other")),
    Asked(
        24,
        "POST /scim/v2/Groups",
        {"displayName": "Group", "members": [{"value": "{user_id}"}]},
        keeps={"group_id": "id"},
    ),
    Asked(14, "PUT /scim/v2/Groups/{group_id:str}", {"displayName": "Group", "members": []}),
    Asked(17, "PATCH /scim/v2/Groups/{group_id:str}", _patch("members", [{"value": "{user_id}"}])),
    Asked(16, "DELETE /scim/v2/Users/{user_id:str}"),
    Asked(15, "DELETE /scim/v2/Groups/{group_id:str}"),
)
