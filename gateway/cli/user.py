"""`gatewright user`: users, over the management API."""

from typing import Any

import click

from gateway.cli.limits import BUDGET, CLEARABLE, LIMITS, MODELS
from gateway.cli.members import names_option
from gateway.cli.resources import Listing, Request, Resource, build_group
from gateway.cli.tables import Column
from gateway.domain import Role

__all__ = ["user"]

_ROLES = click.Choice(
    [
        role.value
        for role in (Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER, Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER)
    ]
)
_MEMBERS = (
    click.option("--email", "user_email", help="The address."),
    click.option("--alias", "user_alias", help="A name of your own."),
    click.option("--role", "user_role", type=_ROLES, help="What the user may do."),
    MODELS,
    *BUDGET,
    *LIMITS,
)


def _create(members: dict[str, Any]) -> Request:
    # Keys are made by `gatewright key`, which prints them.
    return Request("POST", "/user/new", {"auto_create_key": False, **members})


user = build_group(
    Resource(
        name="user",
        summary="Make, show and change users.",
        made=(
            click.option("--id", "user_id", help="The id; made up without it."),
            *_MEMBERS,
            names_option("--teams", "Teams that the user becomes a member of, with commas between."),
        ),
        changed=_MEMBERS,
        clearable=("models", "user_email", "user_alias", *CLEARABLE),
        shown="user_id",
        listing=Listing(
            path="/user/list",
            rows="users",
            total="total",
            columns=(
                Column("User", "user_id"),
                Column("Email", "user_email"),
                Column("Alias", "user_alias"),
                Column("Role", "user_role"),
                Column("Spend", "spend", ".6f"),
                Column("Budget", "max_budget"),
                Column("Keys", "key_count"),
            ),
            filters=(
                click.option("--role", type=_ROLES, help="Users with this role."),
                click.option("--team", help="Members of this team."),
                click.option("--search", help="Users with this in id or address."),
            ),
        ),
        create=_create,
        info=lambda name: Request("GET", "/user/info", query={"user_id": name}),
        update=lambda name, members: Request("POST", "/user/update", {"user_id": name, **members}),
        delete=lambda names: [Request("POST", "/user/delete", {"user_ids": list(names)})],
    )
)
