"""What the commands of resources refuse before anybody is asked."""

import pytest
from click.testing import CliRunner

from gateway.cli.main import cli


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
        (("spend", "--by", "day"), "'day' is not one of"),
    ],
)
def test_what_was_not_said_is_told(arguments: tuple[str, ...], text: str) -> None:
    result = CliRunner().invoke(cli, [*arguments, "--url", "http://127.0.0.1:1"])

    assert (result.exit_code, text in result.output) == (2, True), result.output
