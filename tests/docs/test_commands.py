"""Commands as the documentation shows them: each can be parsed."""

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from gateway.cli.main import cli
from tests.docs.test_pages import FENCE, PAGES, ROOT

COMMAND = re.compile(r"^(?:\.uv/bin/uv run )?gatewright (.+)$", re.MULTILINE)


def shown() -> Iterator[str]:
    """What follows `gatewright` on lines of its own in blocks of code; brackets make it a synopsis."""
    for page in PAGES:
        for block in FENCE.findall((ROOT / page).read_text(encoding="utf-8")):
            yield from (line for line in COMMAND.findall(block) if "[" not in line)


@pytest.mark.parametrize("arguments", sorted(set(shown())))
def test_a_command_of_the_docs_can_be_said(arguments: str) -> None:
    words = shlex.split(arguments, comments=True)
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words.pop(0))
        assert found is not None
        command, context = found, click.Context(found, parent=context)

    command.make_context(command.name, words, resilient_parsing=False)
