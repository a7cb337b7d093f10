"""`gatewright team`: teams, over the management API."""

import click

from gateway.cli.limits import BUDGET, CLEARABLE, LIMITS, MODELS
from gateway.cli.resources import Listing, Request, Resource, build_group
from gateway.cli.tables import Column
from gateway.cli.team_members import member

__all__ = ["team"]

_MEMBERS = (
    click.option("--alias", "team_alias", help="A name of your own."),
    click.option("--organization", "organization_id", help="The organization whose team it is."),
    MODELS,
    *BUDGET,
    *LIMITS,
)

team = build_group(
    Resource(
        name="team",
        summary="Make, show and change teams.",
        made=(click.option("--id", "team_id", help="The id; made up without it."), *_MEMBERS),
        changed=_MEMBERS,
        clearable=("models", "organization_id", *CLEARABLE),
        shown="team_id",
        listing=Listing(
            path="/v2/team/list",
            rows="teams",
            total="total",
            columns=(
                Column("Team", "team_id"),
                Column("Alias", "team_alias"),
                Column("Organization", "organization_id"),
                Column("Spend", "spend", ".6f"),
                Column("Budget", "max_budget"),
                Column("Blocked", "blocked"),
                Column("Models", "models"),
            ),
            filters=(
                click.option("--organization", "organization_id", help="Teams of this organization."),
                click.option("--user", "user_id", help="Teams that this user is a member of."),
                click.option("--search", help="Teams with this in their names, or with this id."),
            ),
        ),
        create=lambda members: Request("POST", "/team/new", members),
        info=lambda name: Request("GET", "/team/info", query={"team_id": name}),
        update=lambda name, members: Request("POST", "/team/update", {"team_id": name, **members}),
        delete=lambda names: [Request("POST", "/team/delete", {"team_ids": list(names)})],
        set_blocked=lambda name, is_blocked: Request(
            "POST", "/team/block" if is_blocked else "/team/unblock", {"team_id": name}
        ),
    )
)
team.add_command(member)
