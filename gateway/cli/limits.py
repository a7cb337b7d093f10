"""The options of limits, which teams, users, budgets and others have alike."""

import click

from gateway.cli.members import names_option

__all__ = ["BUDGET", "CLEARABLE", "LIMITS", "MODELS", "NAMED_BUDGET"]

MODELS = names_option("--models", "Names or patterns, with commas between; without any all may be used.")
BUDGET = (
    click.option("--max-budget", type=float, help="US dollars that may be spent."),
    click.option("--budget-duration", help="Start the budget anew so often: 1d, 30d, 1mo, ..."),
)
LIMITS = (
    click.option("--rpm", "rpm_limit", type=int, help="Requests per minute."),
    click.option("--tpm", "tpm_limit", type=int, help="Tokens per minute."),
)
NAMED_BUDGET = click.option(
    "--budget", "budget_id", help="A budget that others share, in place of one's own."
)
CLEARABLE = ("max_budget", "budget_duration", "rpm_limit", "tpm_limit")
"""What options of this file give and `--clear` takes away."""
