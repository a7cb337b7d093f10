"""`gatewright --help` and the help of every command below it."""

from collections.abc import Iterator

import click
from click.testing import CliRunner

from gateway.cli.main import cli


def groups(command: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
    if isinstance(command, click.Group):
        yield path
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from groups(found, *path, name)


def test_every_list_of_commands_tells_whole_sentences() -> None:
    shown = {path: CliRunner().invoke(cli, [*path, "--help"]).output for path in groups(cli)}

    assert len(shown) > 5
    assert [path for path, text in shown.items() if "...\n" in text.partition("Commands:")[2]] == []
