"""`gatewright spend`: what was spent in a period, by team, key, model and others, over the management API."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import msgspec

from gateway.cli.asking import Target, target_options, with_gateway
from gateway.cli.members import json_option, read_given, with_options
from gateway.cli.resources import Request
from gateway.cli.tables import Column, find_member, print_json, print_rows, say

__all__ = ["list_rows", "spend"]

_USUAL_DAYS = 30
_OTHERS = "(others)"
_SMALLEST = 1e-9
"""Dollars: what the gateway counts in. What is less comes from adding floats."""


class _Group(msgspec.Struct, frozen=True):
    """How amounts are told apart: the entity of the route, the map in its days, the member of a name."""

    entity: str
    member: str
    name: str = ""


_GROUPS: Mapping[str, _Group] = {
    "team": _Group("team", "entities", "team_alias"),
    "user": _Group("user", "entities", "user_email"),
    "customer": _Group("customer", "entities", "alias"),
    "organization": _Group("organization", "entities", "organization_alias"),
    "tag": _Group("tag", "entities"),
    "key": _Group("user", "api_keys", "key_alias"),
    "model": _Group("user", "models"),
    "provider": _Group("user", "providers"),
}
_COLUMNS = (
    Column("Name", "name"),
    Column("Spend", "spend", ".6f"),
    Column("Requests", "api_requests", "d"),
    Column("Failed", "failed_requests", "d"),
    Column("Input", "prompt_tokens", "d"),
    Column("Output", "completion_tokens", "d"),
)
_ADDED = ("spend", "api_requests", "failed_requests", "prompt_tokens", "completion_tokens")


@click.command()
@target_options
@with_options(
    (
        click.option(
            "--by",
            type=click.Choice(list(_GROUPS)),
            default="team",
            show_default=True,
            help="What it is told by.",
        ),
        click.option("--from", "start_date", help="The first day, YYYY-MM-DD; without it 30 days back."),
        click.option("--to", "end_date", help="The last day, YYYY-MM-DD, of UTC; without it today."),
        click.option("--model", help="On this model only."),
        click.option("--key", "api_key", help="With this key only."),
        json_option,
    )
)
def spend(
    target: Target, *, by: str, is_json: bool, start_date: str | None, end_date: str | None, **filters: Any
) -> None:
    """Say what was spent in a period, the dearest first.

    Amounts are US dollars. A running gateway has written down everything when its answer comes; without
    --url the last seconds may be missing.
    """
    today = datetime.now(UTC).date()
    query = {
        "start_date": start_date or (today - timedelta(days=_USUAL_DAYS)).isoformat(),
        "end_date": end_date or today.isoformat(),
        **read_given(filters),
    }
    path = f"/{_GROUPS[by].entity}/daily/activity/aggregated"
    found = with_gateway(target, Request("GET", path, query=query).send)
    rows, total = list_rows(found, by), found["metadata"]["total_spend"]
    if is_json:
        print_json({**query, "by": by, "total_spend": total, "rows": rows})
        return
    print_rows(_COLUMNS, rows)
    say(f"Altogether ${total:.6f} from {query['start_date']} to {query['end_date']}")


def list_rows(found: Mapping[str, Any], by: str) -> list[dict[str, Any]]:
    """What an answer of daily activity comes to: a row for each thing, the dearest first.

    The API shows the things that spent most; a last row has what is left for others.
    """
    rows = sorted(_sums(found["results"], _GROUPS[by]), key=lambda row: (-row["spend"], row["name"]))
    left = {name: found["metadata"][f"total_{name}"] - sum(row[name] for row in rows) for name in _ADDED}
    if left["api_requests"] > 0 or left["spend"] > _SMALLEST:
        rows.append({"id": None, "name": _OTHERS, **left})
    return rows


def _sums(days: list[Mapping[str, Any]], group: _Group) -> Iterator[dict[str, Any]]:
    """A row for each thing of the days' breakdowns, with the sums over all days."""
    found: dict[str, dict[str, Any]] = {}
    for day in days:
        things: Mapping[str, Any] = day["breakdown"].get(group.member, {})
        for thing, said in things.items():
            name = find_member(said, f"metadata.{group.name}")
            row = found.setdefault(thing, {"id": thing, "name": name or thing, **dict.fromkeys(_ADDED, 0)})
            for member in _ADDED:
                row[member] += said["metrics"][member]
    yield from found.values()
