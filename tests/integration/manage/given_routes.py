"""Every route that is given a list: what it is sent about the rows of `listed_rows` with these numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Given", "list_each_by_itself", "list_given"]

_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_MEMBERS = "/management/v1/teams/lot-t-1/members"


@dataclass(frozen=True)
class Given:
    """A request; `name` tells it from others to the same route, `each` what it takes for each thing given."""

    name: str
    path: str
    body: object
    method: str = "POST"
    each: int = 0


def list_each_by_itself(numbers: Sequence[int]) -> list[Given]:
    """What is many requests in one: the answer says of each by itself whether it could be, and why not.

    Each is a transaction of its own, so that one that cannot be does not keep the others from being.
    """
    lot = len(numbers)
    keys = [f"lot-k-{number}" for number in numbers]
    users = [f"lot-u-{number}" for number in numbers]
    changes = {"max_budget": lot + 1}
    limits = [{"user_id": user, "max_budget_in_team": lot} for user in users]
    servers = {f"s{number}": {"url": "https://mcp.example.com/mcp"} for number in numbers}
    return [
        _each(5, "/key/bulk_update", keys=[{"key": key, "max_budget": lot} for key in keys]),
        _each(5, "/team/key/bulk_update", team_id="lot-t-1", key_ids=keys, update_fields=changes),
        _each(4, "/user/bulk_update", users=[{"user_id": user, "max_budget": lot} for user in users]),
        _each(13, "/management/v1/users/bulk", users=[{"user_id": f"u-{number}"} for number in numbers]),
        _each(9, f"{_MEMBERS}/bulk_update", members=limits),
        _each(5, "/v1/mcp/server/import", mcp_servers=servers),
    ]


def _each(statements: int, path: str, **body: object) -> Given:
    return Given(path, path, body, each=statements)


def list_given(numbers: Sequence[int]) -> list[Given]:
    """What comes first is there still, what comes last is gone afterwards."""
    mark = "-".join(map(str, numbers))

    def named(kind: str) -> list[str]:
        return [f"lot-{kind}-{number}" for number in numbers]

    def new(kind: str) -> list[str]:
        return [f"{kind}-{number}@new.example.com" for number in numbers]

    users, keys, teams = named("u"), named("k"), named("t")
    old = [{"user_id": user, "role": "user"} for user in users]
    by_id = [{"user_id": user, "role": "user"} for user in new("i")]
    by_mail = [{"user_email": user, "role": "user"} for user in new("e")]
    scim = [{"value": user} for user in users]
    operations = [{"op": "add", "path": "members", "value": scim}]
    return [
        Given("make a user in teams", "/user/new", {"user_id": f"in-{mark}", "teams": teams}),
        Given("make a team of users", "/team/new", {"team_id": f"of-{mark}", "members_with_roles": old}),
        Given(
            "make a team of new users",
            "/team/new",
            {"team_id": f"new-{mark}", "members_with_roles": [*by_id, *by_mail]},
        ),
        Given("add members", "/team/member_add", {"team_id": "lot-t-2", "member": old}),
        Given(
            "add new members",
            "/team/member_add",
            {"team_id": "lot-t-2", "member": [{"user_id": u, "role": "user"} for u in new("a")]},
        ),
        Given(
            "add new members by mail",
            "/team/member_add",
            {"team_id": "lot-t-2", "member": [{"user_email": u, "role": "user"} for u in new("m")]},
        ),
        Given(
            "add members with a budget",
            "/team/member_add",
            {"team_id": "lot-t-5", "member": old, "max_budget_in_team": 1},
        ),
        Given("add members in bulk", "/team/bulk_member_add", {"team_id": "lot-t-3", "members": old}),
        Given(
            "remove members",
            "/management/v1/teams/lot-t-3/members/bulk_delete",
            {"members": [{"user_id": user} for user in users]},
        ),
        Given(
            "permissions of teams",
            "/team/permissions_bulk_update",
            {"permissions": ["/key/update"], "team_ids": teams},
        ),
        Given(
            "add members of an organization",
            "/organization/member_add",
            {
                "organization_id": "lot-o-2",
                "member": [{"user_id": user, "role": "internal_user"} for user in users],
            },
        ),
        Given(
            "add new members of an organization",
            "/organization/member_add",
            {
                "organization_id": "lot-o-2",
                "member": [{"user_email": user, "role": "internal_user"} for user in new("o")],
            },
        ),
        Given(
            "add members of an organization with budgets",
            "/organization/member_add",
            {
                "organization_id": "lot-o-3",
                "max_budget_in_organization": 1,
                "member": [{"user_id": user, "role": "internal_user"} for user in users],
            },
        ),
        Given(
            "make a user in organizations",
            "/user/new",
            {"user_id": f"in-o-{mark}", "organizations": named("o")},
        ),
        Given("give a key access groups", "/key/update", {"key": keys[0], "access_group_ids": named("a")}),
        Given("forget keys", "/cache/delete", {"keys": keys}),
        Given("block customers", "/customer/block", {"user_ids": named("c")}),
        Given("block new customers", "/customer/block", {"user_ids": new("c")}),
        Given("unblock customers", "/customer/unblock", {"user_ids": named("c")}),
        Given(
            "make an access group",
            "/v1/access_group",
            {"access_group_name": mark, "assigned_team_ids": teams, "assigned_key_ids": keys},
        ),
        Given("make a key in access groups", "/key/generate", {"access_group_ids": named("a")}),
        Given("make a group", "/scim/v2/Groups", {"displayName": mark, "members": scim}),
        Given(
            "replace a group",
            f"/scim/v2/Groups/lot-t-{numbers[0]}",
            {"displayName": f"lot {numbers[0]}", "members": scim},
            "PUT",
        ),
        Given(
            "change a group",
            "/scim/v2/Groups/lot-t-5",
            {"schemas": [_PATCH], "Operations": operations},
            "PATCH",
        ),
        Given(
            "change a group step by step",
            "/scim/v2/Groups/lot-t-6",
            {
                "schemas": [_PATCH],
                "Operations": [{"op": "add", "path": "members", "value": [one]} for one in scim],
            },
            "PATCH",
        ),
        Given(
            "make servers public",
            "/v1/mcp/make_public",
            {"mcp_server_ids": [f"lot-v-{n}" for n in numbers if n % 3]},
        ),
        Given(
            "make a toolset",
            "/v1/mcp/toolset",
            {
                "toolset_name": mark,
                "tools": [{"server_id": f"lot-v-{n}", "tool_name": "t"} for n in numbers if n % 3],
            },
        ),
        Given(
            "set groups of models",
            "/access_group/new",
            {"access_group": f"g{mark}", "model_names": named("m")},
        ),
        Given("make models public", "/model_group/make_public", {"model_groups": named("m")}),
        Given("delete keys", "/key/delete", {"keys": keys}),
        Given("delete customers", "/customer/delete", {"user_ids": named("c")}),
        Given("delete projects", "/project/delete", {"project_ids": named("p")}, "DELETE"),
        Given(
            "delete new users", "/management/v1/users/bulk_delete", {"user_ids": [f"u-{n}" for n in numbers]}
        ),
        Given("delete users", "/user/delete", {"user_ids": users}),
        Given("delete teams", "/team/delete", {"team_ids": teams}),
        Given("delete organizations", "/organization/delete", {"organization_ids": named("o")}, "DELETE"),
    ]
