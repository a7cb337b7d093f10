"""`gatewright team member`: who is in a team, over the management API."""

from typing import Any

import click

from gateway.cli.asking import Target, target_options, with_gateway
from gateway.cli.limits import LIMITS
from gateway.cli.members import clear_option, names_option, read_changes, read_given, with_options
from gateway.cli.resources import Request
from gateway.cli.tables import print_json, say

__all__ = ["member"]

_WHO = with_options(
    (
        click.argument("team"),
        click.argument("user"),
        click.option("--by-email", is_flag=True, help="USER is an address and no id."),
    )
)
_LIMITS = (
    click.option("--role", type=click.Choice(["user", "admin"]), help="What the member may do."),
    click.option("--max-budget", "max_budget_in_team", type=float, help="US dollars to spend in the team."),
    click.option("--budget-duration", help="Start the budget anew so often: 1d, 30d, 1mo, ..."),
    names_option("--models", "Names or patterns that the member may use, with commas between."),
)
_CLEARABLE = ("max_budget_in_team", "budget_duration", "allowed_models", "rpm_limit", "tpm_limit")


@click.group()
def member() -> None:
    """Say who is in a team, and what each may spend there."""


@member.command()
@target_options
@_WHO
@with_options(_LIMITS)
def add(
    target: Target, team: str, user: str, *, by_email: bool, role: str | None = None, **values: Any
) -> None:
    """Make USER a member of TEAM, and a user where there is none."""
    who = {**_named(user, by_email=by_email), "role": role or "user"}
    body = {"team_id": team, "member": who, **_members(read_given(values))}
    with_gateway(target, Request("POST", "/team/member_add", body).send)
    say(f"{user} is in the team {team}.")


@member.command()
@target_options
@_WHO
@with_options((*_LIMITS, *LIMITS, clear_option(_CLEARABLE)))
def update(
    target: Target, team: str, user: str, *, by_email: bool, clear: tuple[str, ...], **values: Any
) -> None:
    """Change what is named of USER in TEAM, and print it as JSON.

    Everything else stays.
    """
    body = {"team_id": team, **_named(user, by_email=by_email), **_members(read_changes(values, clear))}
    print_json(with_gateway(target, Request("POST", "/team/member_update", body).send))


@member.command()
@target_options
@_WHO
def remove(target: Target, team: str, user: str, *, by_email: bool) -> None:
    """Take USER out of TEAM, and its keys of the team with it."""
    body = {"team_id": team, **_named(user, by_email=by_email)}
    with_gateway(target, Request("POST", "/team/member_delete", body).send)
    say(f"{user} is not in the team {team} any more.")


def _named(user: str, *, by_email: bool) -> dict[str, str]:
    return {"user_email" if by_email else "user_id": user}


def _members(given: dict[str, Any]) -> dict[str, Any]:
    """What the API calls the models of a member."""
    return {"allowed_models" if name == "models" else name: value for name, value in given.items()}
