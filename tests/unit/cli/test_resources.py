"""What the commands of resources refuse before anybody is asked, and what they make of an answer."""

from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli.main import cli
from gateway.cli.spend import list_rows


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("team", "update", "red"), "Say what is to change"),
        (("team", "update", "red", "--clear", "team_id"), "'team_id' is not one of"),
        (("team", "list", "--size", "1000"), "1<=x<=100"),
        (("team", "delete"), "Missing argument 'TEAMS...'"),
        (("user", "create", "--role", "king"), "'king' is not one of"),
        (("model", "create", "x", "--param", "rpm"), "write NAME=VALUE"),
        (("model", "create"), "Missing argument 'NAME'"),
        (("tag", "create"), "Missing argument 'TAG'"),
        (("team", "member", "update", "red", "ada"), "Say what is to change"),
        (("spend", "--by", "day"), "'day' is not one of"),
    ],
)
def test_what_was_not_said_is_told(arguments: tuple[str, ...], text: str) -> None:
    result = CliRunner().invoke(cli, [*arguments, "--url", "http://127.0.0.1:1"])

    assert (result.exit_code, text in result.output) == (2, True), result.output


def metrics(spend: float, requests: int) -> dict[str, Any]:
    counts = dict.fromkeys(("failed_requests", "prompt_tokens", "completion_tokens"), 0)
    return {"spend": spend, "api_requests": requests, **counts}


def test_days_are_added_up_and_what_is_not_named_is_of_others() -> None:
    red = {"metrics": metrics(0.5, 1), "metadata": {"team_alias": "Red"}}
    blue = {"metrics": metrics(0.7, 2), "metadata": {}}
    days = [{"breakdown": {"entities": entities}} for entities in ({"r": red, "b": blue}, {"r": red}, {})]
    totals = {f"total_{name}": value for name, value in metrics(2.0, 5).items()}

    rows = list_rows({"results": days, "metadata": totals}, "team")

    assert [(row["id"], row["name"], round(row["spend"], 9), row["api_requests"]) for row in rows] == [
        ("r", "Red", 1.0, 2),
        ("b", "b", 0.7, 2),
        (None, "(others)", 0.3, 1),
    ]
    whole = {f"total_{name}": value for name, value in metrics(1.7, 4).items()}
    assert len(list_rows({"results": days, "metadata": whole}, "team")) == 2
