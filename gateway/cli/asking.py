"""The requests of commands to the management API: to a gateway that serves, or on their own database."""

import asyncio
import http
import math
from collections.abc import Awaitable, Callable, Mapping
from functools import update_wrapper
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import urlencode

import click
import msgspec

from gateway.cli.in_process import call
from gateway.cli.members import with_options
from gateway.cli.opened import opened
from gateway.cli.remote import ask_gateway
from gateway.cli.schema import make_current
from gateway.cli.target import database_options, database_url
from gateway.errors import (
    AuthenticationFailed,
    BadRequest,
    Conflict,
    GatewayError,
    NotFound,
    PermissionDenied,
)
from gateway.logs import configure_logs
from gateway.runtime import Gateway
from gateway.settings import Settings
from gateway.settings.master_key import find_salt_key

__all__ = ["Ask", "Target", "remote_options", "target_options", "with_gateway"]

_Result = TypeVar("_Result")
_Send = Callable[[str, str, bytes | None, dict[str, str]], Awaitable[tuple[int, bytes]]]
_ERRORS: Mapping[int, type[GatewayError]] = {
    one.status: one for one in (BadRequest, AuthenticationFailed, PermissionDenied, NotFound, Conflict)
}
remote_options = with_options(
    (
        click.option("--url", help="Ask the gateway that serves there, instead of the database."),
        click.option(
            "--api-key",
            envvar=["GATEWAY_API_KEY", "GATEWAY_MASTER_KEY", "LITELLM_MASTER_KEY"],
            help="With --url: the key of who asks.",
        ),
    )
)
"""Adds the options that lead to a gateway which serves."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a command asks: the gateway at `url`, or else one that is made upon the database."""

    config: Path | None
    data_dir: Path | None
    url: str | None
    api_key: str | None


class Ask(Protocol):
    """Makes one request and returns what is answered."""

    async def __call__(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """Raise GatewayError with what was answered in the place of success."""
        ...


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a `Target`, which the command gets as `target`."""

    def run(
        config: Path | None, data_dir: Path | None, url: str | None, api_key: str | None, **given: Any
    ) -> Any:
        return command(Target(config=config, data_dir=data_dir, url=url, api_key=api_key), **given)

    # With it go the options that the command has already.
    return database_options(remote_options(update_wrapper(run, command)))


def with_gateway(target: Target, work: Callable[[Ask], Awaitable[_Result]]) -> _Result:
    """Return what the work returns, done with requests to the target on behalf of its administrator.

    Raises DatabaseUnavailable, StartupError, and GatewayError for whatever is refused.
    """
    if target.url is not None:
        return asyncio.run(_finish(work(_asker(_remote(target.url), target.api_key or ""))))
    with database_url(target.config, target.data_dir) as (settings, url):
        configure_logs(is_json=settings.environment.is_log_json)
        return asyncio.run(_on_database(settings, url, target.config, work))


async def _finish(work: Awaitable[_Result]) -> _Result:
    return await work


async def _on_database(
    settings: Settings, url: str, config: Path | None, work: Callable[[Ask], Awaitable[_Result]]
) -> _Result:
    async def prepare(gateway: Gateway) -> None:
        await make_current(gateway.parts.database, settings)

    salt_key = find_salt_key(settings.environment)
    async with opened(settings, url, config, salt_key, prepare) as gateway:
        # By its name, as the gateway itself is built.
        build = import_module("gateway.composition.application").build_part
        known = gateway.snapshot.settings
        networks = known.access.allowed_ips

        async def send(
            method: str, path: str, body: bytes | None, headers: dict[str, str]
        ) -> tuple[int, bytes]:
            # Whoever can reach the database is let in from wherever clients are.
            address = networks[0].partition("/")[0] if networks else "127.0.0.1"
            app = build(gateway, path.partition("?")[0])
            return await call(app, method, path, body or b"", headers, address)

        key = gateway.snapshot.settings.environment.master_key
        return await work(_asker(send, key.reveal() if key else "", known.general.key_header_name))


def _remote(url: str) -> _Send:
    async def send(method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        return await asyncio.to_thread(ask_gateway, url, method, path, body, headers)

    return send


def _asker(send: _Send, key: str, header_name: str | None = None) -> Ask:
    async def ask(
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        headers = {(header_name or "authorization").lower(): f"Bearer {key}"}
        # A member that the gateway does not know would be left out without a word.
        headers["x-gatewright-strict"] = "true"
        content = None
        if body is not None:
            _check_numbers(body)
            headers["content-type"] = "application/json"
            content = msgspec.json.encode(body)
        target = f"{path}?{urlencode(query)}" if query else path
        return _read_answer(*await send(method, target, content, headers))

    return ask


def _check_numbers(body: Mapping[str, Any]) -> None:
    """Raise BadRequest for what JSON can only write as null, which would take a limit away."""
    for name, value in body.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise BadRequest(f"'{name}' must be a number, found {value}.", param=name)


def _read_answer(status: int, data: bytes) -> Any:
    try:
        content = msgspec.json.decode(data)
    except msgspec.DecodeError:
        content = None
    if http.HTTPStatus.OK <= status < http.HTTPStatus.MULTIPLE_CHOICES:
        return content
    kind = _ERRORS.get(status, GatewayError)
    raise kind(_reason(content) or f"The gateway answered with status {status}.")


def _reason(content: object) -> str:
    """What an error says, in whichever of the contract's envelopes."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return " ".join(_fault(one) for one in cast("list[object]", content))
    if isinstance(content, dict):
        members = cast("dict[str, object]", content)
        for name in ("error", "detail", "message"):
            if name in members:
                return _reason(members[name])
    return ""


def _fault(fault: object) -> str:
    members = cast("dict[str, Any]", fault) if isinstance(fault, dict) else {}
    path = ".".join(str(part) for part in members.get("loc", ())[1:])
    return f"{path}: {members.get('msg', '')}"
