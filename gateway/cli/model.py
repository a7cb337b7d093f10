"""`gatewright model`: models of the database, over the management API."""

from typing import Any
from urllib.parse import quote

import click
import msgspec

from gateway.cli.members import Decorator
from gateway.cli.resources import Listing, Request, Resource, build_group
from gateway.cli.tables import Column

__all__ = ["model"]

_INFO = "model_info"
_PARAMS = {
    "model": "model",
    "api_base": "api_base",
    "provider_key": "api_key",
    "credential": "litellm_credential_name",
}
"""Options, and the members of `litellm_params` that they are."""


def _read_pairs(
    context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]
) -> dict[str, object] | None:
    """Names and values with = between; a value is JSON, or else a text."""
    found: dict[str, object] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name.strip():
            raise click.BadParameter(f"'{text}' is no pair; write NAME=VALUE.", context, parameter)
        try:
            found[name.strip()] = msgspec.json.decode(value)
        except msgspec.DecodeError:
            found[name.strip()] = value
    return found or None


def _pairs_option(flag: str, help_text: str) -> Decorator:
    return click.option(flag, multiple=True, callback=_read_pairs, metavar="NAME=VALUE", help=help_text)


_MEMBERS = (
    click.option("--model", help="The provider's model with its prefix, such as openai/gpt-4o."),
    click.option("--api-base", help="Where it is, if not where its provider usually is."),
    click.option("--provider-key", help="Where its key is: os.environ/NAME, or a key."),
    click.option("--credential", help="The stored credential to ask it with."),
    _pairs_option("--param", "Another member of `litellm_params`, such as rpm=60; may be repeated."),
    _pairs_option("--info", "A member of `model_info`, such as mode=chat; may be repeated."),
)


def _body(members: dict[str, Any]) -> dict[str, Any]:
    """What the API has in objects of their own."""
    params = {_PARAMS[name]: members[name] for name in _PARAMS if name in members}
    params |= members.get("param", {})
    body = {"model_name": members.get("model_name"), "litellm_params": params}
    body[_INFO] = members.get("info", {})
    return {name: value for name, value in body.items() if value}


def _create(members: dict[str, Any]) -> Request:
    model_id = members.pop("id", None)
    body = _body(members)
    if model_id is not None:
        body[_INFO] = {**body.get(_INFO, {}), "id": model_id}
    return Request("POST", "/model/new", body)


def _update(name: str, members: dict[str, Any]) -> Request:
    return Request("PATCH", f"/model/{quote(name, safe='')}/update", _body(members))


model = build_group(
    Resource(
        name="model",
        summary="Make, show and change models of the database.\n\nThose of the configuration are listed too.",
        made=(
            click.argument("model_name", metavar="NAME"),
            click.option("--id", help="The id; made up without it."),
            *_MEMBERS,
        ),
        changed=(click.option("--name", "model_name", help="The name that clients ask for."), *_MEMBERS),
        shown="model_id",
        listing=Listing(
            path="/v2/model/info",
            rows="data",
            total="total_count",
            columns=(
                Column("Name", "model_name"),
                Column("Model", "litellm_params.model"),
                Column("Id", "model_info.id"),
                Column("Stored", "model_info.db_model"),
                Column("Blocked", "model_info.blocked"),
            ),
            filters=(click.option("--search", help="Models with this in their names."),),
            size="size",
        ),
        create=_create,
        info=lambda name: Request("GET", "/model/info", query={"litellm_model_id": name}),
        update=_update,
        delete=lambda names: [Request("POST", "/model/delete", {"id": name}) for name in names],
        set_blocked=lambda name, is_blocked: Request(
            "POST", "/model/block" if is_blocked else "/model/unblock", {"model_id": name}
        ),
    )
)
