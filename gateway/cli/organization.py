"""`gatewright organization`: organizations, over the management API."""

import click

from gateway.cli.limits import BUDGET, CLEARABLE, LIMITS, MODELS
from gateway.cli.resources import Request, Resource, Walk, build_group
from gateway.cli.tables import Column

__all__ = ["organization"]

_MEMBERS = (MODELS, *BUDGET, *LIMITS)

organization = build_group(
    Resource(
        name="organization",
        summary="Make, show and change organizations.",
        made=(
            click.argument("organization_alias", metavar="ALIAS"),
            click.option("--id", "organization_id", help="The id; made up without it."),
            *_MEMBERS,
        ),
        changed=(click.option("--alias", "organization_alias", help="A name of your own."), *_MEMBERS),
        clearable=("models", *CLEARABLE),
        shown="organization_id",
        listing=Walk(
            path="/organization/list",
            key="organization_id",
            columns=(
                Column("Organization", "organization_id"),
                Column("Alias", "organization_alias"),
                Column("Spend", "spend", ".6f"),
                Column("Budget", "litellm_budget_table.max_budget"),
                Column("Models", "models"),
            ),
            filters=(click.option("--alias", "org_alias", help="Organizations with this in their names."),),
        ),
        create=lambda members: Request("POST", "/organization/new", members),
        info=lambda name: Request("GET", "/organization/info", query={"organization_id": name}),
        update=lambda name, members: Request(
            "PATCH", "/organization/update", {"organization_id": name, **members}
        ),
        delete=lambda names: [Request("DELETE", "/organization/delete", {"organization_ids": list(names)})],
    )
)
