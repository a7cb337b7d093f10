"""`gatewright customer`: customers, for whom requests are made, over the management API."""

import click

from gateway.cli.limits import BUDGET, CLEARABLE, LIMITS, NAMED_BUDGET
from gateway.cli.resources import Request, Resource, Walk, build_group
from gateway.cli.tables import Column

__all__ = ["customer"]

_MEMBERS = (
    click.option("--alias", help="A name of your own."),
    click.option("--model", "default_model", help="The model of requests that name none."),
    NAMED_BUDGET,
    *BUDGET,
    *LIMITS,
)

customer = build_group(
    Resource(
        name="customer",
        summary="Make, show and change customers, whom requests name as `user`.",
        made=(click.argument("user_id", metavar="CUSTOMER"), *_MEMBERS),
        changed=_MEMBERS,
        clearable=("alias", "default_model", "budget_id", *CLEARABLE),
        shown="user_id",
        listing=Walk(
            path="/customer/list",
            key="user_id",
            columns=(
                Column("Customer", "user_id"),
                Column("Alias", "alias"),
                Column("Spend", "spend", ".6f"),
                Column("Budget", "litellm_budget_table.max_budget"),
                Column("Blocked", "blocked"),
            ),
        ),
        create=lambda members: Request("POST", "/customer/new", members),
        info=lambda name: Request("GET", "/customer/info", query={"end_user_id": name}),
        update=lambda name, members: Request("POST", "/customer/update", {"user_id": name, **members}),
        delete=lambda names: [Request("POST", "/customer/delete", {"user_ids": list(names)})],
        set_blocked=lambda name, is_blocked: Request(
            "POST", "/customer/block" if is_blocked else "/customer/unblock", {"user_ids": [name]}
        ),
    )
)
