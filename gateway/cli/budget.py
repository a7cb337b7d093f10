"""`gatewright budget`: budget rows, over the management API."""

import click

from gateway.cli.limits import BUDGET, CLEARABLE, LIMITS
from gateway.cli.resources import Listing, Request, Resource, build_group
from gateway.cli.tables import Column

__all__ = ["budget"]

_MEMBERS = (
    *BUDGET,
    click.option("--soft-budget", type=float, help="US dollars from which on somebody is told."),
    *LIMITS,
    click.option("--max-parallel", "max_parallel_requests", type=int, help="Requests at the same time."),
)

budget = build_group(
    Resource(
        name="budget",
        summary="Make, show and change budgets, which keys, members, customers and tags can share.",
        made=(click.option("--id", "budget_id", help="The id; made up without it."), *_MEMBERS),
        changed=_MEMBERS,
        clearable=("soft_budget", "max_parallel_requests", *CLEARABLE),
        shown="budget_id",
        listing=Listing(
            path="/management/v1/budgets",
            rows="data",
            total="meta.total_count",
            columns=(
                Column("Budget", "budget_id"),
                Column("Dollars", "max_budget"),
                Column("Soft", "soft_budget"),
                Column("Anew", "budget_duration"),
                Column("Rpm", "rpm_limit"),
                Column("Tpm", "tpm_limit"),
                Column("Parallel", "max_parallel_requests"),
            ),
        ),
        create=lambda members: Request("POST", "/budget/new", members),
        info=lambda name: Request("POST", "/budget/info", {"budgets": [name]}),
        update=lambda name, members: Request("POST", "/budget/update", {"budget_id": name, **members}),
        delete=lambda names: [Request("POST", "/budget/delete", {"id": name}) for name in names],
    )
)
