"""`gatewright tag`: tags, which requests carry, over the management API."""

import click

from gateway.cli.limits import BUDGET, CLEARABLE, LIMITS, NAMED_BUDGET
from gateway.cli.members import names_option
from gateway.cli.resources import Request, Resource, Walk, build_group
from gateway.cli.tables import Column

__all__ = ["tag"]

_MEMBERS = (
    click.option("--description", help="What it is for."),
    names_option("--models", "Ids of the deployments that its requests may use, with commas between."),
    NAMED_BUDGET,
    *BUDGET,
    *LIMITS,
)

tag = build_group(
    Resource(
        name="tag",
        summary="Make, show and change tags.\n\nThose that requests carried are listed too.",
        made=(click.argument("name", metavar="TAG"), *_MEMBERS),
        changed=_MEMBERS,
        clearable=("description", "models", "budget_id", *CLEARABLE),
        shown="tag.name",
        listing=Walk(
            path="/tag/list",
            key="name",
            columns=(
                Column("Tag", "name"),
                Column("Description", "description"),
                Column("Budget", "litellm_budget_table.max_budget"),
                Column("Models", "models"),
            ),
        ),
        create=lambda members: Request("POST", "/tag/new", members),
        info=lambda name: Request("POST", "/tag/info", {"names": [name]}),
        update=lambda name, members: Request("POST", "/tag/update", {"name": name, **members}),
        delete=lambda names: [Request("POST", "/tag/delete", {"name": name}) for name in names],
    )
)
