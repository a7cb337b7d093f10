"""Commands of a resource of the management API, from a declaration: what its requests and tables are."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
import msgspec

from gateway.cli.asking import Ask, Target, target_options, with_gateway
from gateway.cli.members import (
    Decorator,
    clear_option,
    json_option,
    read_changes,
    read_given,
    with_options,
)
from gateway.cli.tables import Column, find_member, print_json, print_rows, say
from gateway.errors import NotFound

__all__ = ["Listing", "Request", "Resource", "Walk", "build_group"]

_MOST = 100
_Members = dict[str, Any]
_size_option = click.option("--size", type=click.IntRange(1, _MOST), default=_MOST, help="Rows at once.")


class Request(msgspec.Struct, frozen=True):
    """One request of the management API; without a body it reads."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    query: Mapping[str, Any] | None = None

    async def send(self, ask: Ask) -> Any:
        """What is answered."""
        return await ask(self.method, self.path, query=self.query, body=self.body)


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A list in numbered pages: where it is, what the members of query and answer are called, its table."""

    path: str
    rows: str
    total: str
    columns: Sequence[Column]
    filters: Sequence[Decorator] = ()
    size: str = "page_size"
    query: Mapping[str, Any] = {}


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """A list without pages, in the order of its member `key`: where it is, and its table."""

    path: str
    key: str
    columns: Sequence[Column]
    filters: Sequence[Decorator] = ()


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """What the commands of one kind of object send and show.

    `shown` is the member of an answer that names what was made. Functions build requests from the id of an
    object and from the members that were given. `set_blocked` is None where nothing can be blocked.
    """

    name: str
    summary: str
    made: Sequence[Decorator]
    changed: Sequence[Decorator]
    shown: str
    listing: Listing | Walk
    create: Callable[[_Members], Request]
    info: Callable[[str], Request]
    update: Callable[[str, _Members], Request]
    delete: Callable[[Sequence[str]], Sequence[Request]]
    clearable: Sequence[str] = ()
    set_blocked: Callable[[str, bool], Request] | None = None


def build_group(resource: Resource) -> click.Group:
    """The group of all commands of a resource."""
    group = click.Group(resource.name, help=resource.summary)
    listed = resource.listing
    show_list = _walk(resource, listed) if isinstance(listed, Walk) else _list(resource, listed)
    commands = [_create(resource), show_list, _info(resource), _update(resource), _delete(resource)]
    if resource.set_blocked is not None:
        commands += [_block(resource, is_blocked=True), _block(resource, is_blocked=False)]
    for command in commands:
        group.add_command(command)
    return group


def _create(resource: Resource) -> click.Command:
    @click.command("create", help=f"Make one {resource.name} and print its id.")
    @target_options
    @with_options((*resource.made, json_option))
    def create(target: Target, *, is_json: bool, **values: Any) -> None:
        made = with_gateway(target, resource.create(read_given(values)).send)
        if is_json:
            print_json(made)
        else:
            say(str(find_member(made, resource.shown)))

    return create


def _list(resource: Resource, listing: Listing) -> click.Command:
    @click.command("list", help=f"List {resource.name}s.")
    @target_options
    @with_options(
        (
            *listing.filters,
            click.option(
                "--page", type=click.IntRange(1, 1_000_000), default=1, help="Which part of the list."
            ),
            _size_option,
            json_option,
        )
    )
    def show_list(target: Target, *, is_json: bool, page: int, size: int, **filters: Any) -> None:
        query = {**listing.query, **read_given(filters), "page": page, listing.size: size}
        found = with_gateway(target, Request("GET", listing.path, query=query).send)
        if is_json:
            print_json(found)
            return
        rows: Any = find_member(found, listing.rows)
        print_rows(listing.columns, rows)
        total: Any = find_member(found, listing.total)
        say(f"{resource.name.capitalize()}s: {total}; page {page} of {max(1, -(-total // size))}")

    return show_list


def _walk(resource: Resource, listing: Walk) -> click.Command:
    begin = click.option("--after", help=f"Begin behind this {resource.name}.")

    @click.command("list", help=f"List {resource.name}s.")
    @target_options
    @with_options((*listing.filters, begin, _size_option, json_option))
    def show_list(target: Target, *, is_json: bool, size: int, **given: Any) -> None:
        query = {**read_given(given), "limit": size}
        rows = with_gateway(target, Request("GET", listing.path, query=query).send)
        if is_json:
            print_json(rows)
            return
        print_rows(listing.columns, rows)
        say(f"{len(rows)} {resource.name}{'' if len(rows) == 1 else 's'}.")
        if len(rows) == size:
            say(f"There may be more: --after {shlex.quote(str(rows[-1][listing.key]))}")

    return show_list


def _info(resource: Resource) -> click.Command:
    @click.command("info", help=f"Show everything about one {resource.name} as JSON.")
    @target_options
    @click.argument("name", metavar=resource.name.upper())
    def info(target: Target, name: str) -> None:
        found = with_gateway(target, resource.info(name).send)
        if found == []:
            raise NotFound(f"There is no {resource.name} '{name}'.")
        print_json(found)

    return info


def _update(resource: Resource) -> click.Command:
    noun = resource.name.upper()
    clearing = [clear_option(resource.clearable)] if resource.clearable else []

    @click.command(
        "update", help=f"Change what is named of {noun}, and print it as JSON.\n\nEverything else stays."
    )
    @target_options
    @click.argument("name", metavar=noun)
    @with_options((*resource.changed, *clearing))
    def update(target: Target, name: str, clear: tuple[str, ...] = (), **values: Any) -> None:
        sent = read_changes(values, clear)
        print_json(with_gateway(target, resource.update(name, sent).send))

    return update


def _delete(resource: Resource) -> click.Command:
    @click.command("delete", help=f"Delete {resource.name}s.")
    @target_options
    @click.argument("names", metavar=f"{resource.name.upper()}S...", nargs=-1, required=True)
    def delete(target: Target, names: tuple[str, ...]) -> None:
        async def work(ask: Ask) -> None:
            for request in resource.delete(names):
                await request.send(ask)

        with_gateway(target, work)
        click.echo(f"Deleted {len(names)} {resource.name}{'s' if len(names) > 1 else ''}.")

    return delete


def _block(resource: Resource, *, is_blocked: bool) -> click.Command:
    noun, build = resource.name.upper(), resource.set_blocked
    assert build is not None, "asked only for what can be blocked"
    word, text = (
        ("block", f"Refuse {noun} until it is unblocked.")
        if is_blocked
        else ("unblock", f"Let {noun} work again.")
    )

    @click.command(word, help=text)
    @target_options
    @click.argument("name", metavar=noun)
    def set_blocked(target: Target, name: str) -> None:
        with_gateway(target, build(name, is_blocked).send)
        say(f"{name} is {'blocked' if is_blocked else 'not blocked'}.")

    return set_blocked
