"""`gatewright explain`: what would become of a request, rule by rule, without its being made."""

import asyncio
import http.client
from pathlib import Path
from typing import Any, cast

import click
import msgspec

from gateway.cli.explanation import print_report
from gateway.cli.opened import opened
from gateway.cli.remote import ask_gateway
from gateway.cli.tables import print_json
from gateway.cli.target import database_options, database_url
from gateway.domain import Principal, Role, Secret
from gateway.errors import BadRequest, GatewayError
from gateway.identity.master import MASTER_USER_ID
from gateway.logs import configure_logs
from gateway.pipeline.explain.callers import find_subject
from gateway.pipeline.explain.examination import examine
from gateway.pipeline.explain.question import Question
from gateway.pipeline.explain.report import build_report
from gateway.runtime import Gateway
from gateway.settings import Environment, Settings
from gateway.settings.master_key import MASTER_KEY_FILE, find_salt_key

__all__ = ["explain"]

_PATH = "/auth/explain"
_OPERATOR = Principal(token_hash="", user_id=MASTER_USER_ID, role=Role.PROXY_ADMIN)
"""Whoever can reach the database is its administrator."""
_Report = dict[str, Any]


@click.command()
@database_options
@click.option("--key", required=True, help="The key, its hash or its alias.")
@click.option("--model", help="The model that is asked for.")
@click.option("--route", default="/v1/chat/completions", show_default=True, help="The route of the request.")
@click.option("--end-user", "user", help="The member 'user' of the request.")
@click.option("--tags", help="Tags of the request, with commas between.")
@click.option("--user-agent", help="The client program.")
@click.option("--client-ip", help="The address that the request comes from.")
@click.option("--header", "headers", multiple=True, help="A further header, 'name: value'; may be repeated.")
@click.option("--body", type=click.File("rb"), help="A file with the request's body; '-' reads it here.")
@click.option("--url", help="Ask the gateway that serves there, instead of the database.")
@click.option(
    "--api-key",
    envvar=["GATEWAY_API_KEY", "GATEWAY_MASTER_KEY", "LITELLM_MASTER_KEY"],
    help="With --url: who asks; without one the key itself does.",
)
@click.option("--json", "is_json", is_flag=True, help="Print the whole answer as JSON.")
@click.pass_context
def explain(
    context: click.Context, config: Path | None, data_dir: Path | None, *, is_json: bool, **given: Any
) -> None:
    """Say whether a request would be served, and which rule, limit or budget refuses it.

    Nothing is sent to a provider, and nothing is counted. Without --url the counters are what the database
    has: rates and requests under way are known to a running gateway only. The exit code is 1 for a request
    that would be refused.
    """
    url, api_key = given.pop("url"), given.pop("api_key")
    question = _build_question(**given)
    if url is not None:
        report = _ask_gateway(url, api_key or question.key or "", question)
    else:
        with database_url(config, data_dir) as (settings, database):
            configure_logs(is_json=settings.environment.is_log_json)
            report = asyncio.run(_ask_database(settings, database, config, question))
    if is_json:
        print_json(report)
    else:
        print_report(report)
    context.exit(0 if report["is_allowed"] else 1)


def _build_question(
    *, tags: str | None, headers: tuple[str, ...], body: Any, **members: str | None
) -> Question:
    parsed = dict(_read_header(header) for header in headers)
    names = None if tags is None else [name.strip() for name in tags.split(",") if name.strip()]
    question = Question(**cast("dict[str, Any]", members), tags=names, headers=parsed)
    if body is None:
        return question
    try:
        content = msgspec.json.decode(body.read(), type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"The body is not a JSON object: {error}.", param="body") from None
    return msgspec.structs.replace(question, body=content)


def _read_header(text: str) -> tuple[str, str]:
    name, separator, value = text.partition(":")
    if not separator or not name.strip():
        raise BadRequest(f"'{text[:100]}' is no header; write 'name: value'.", param="header")
    return name.strip(), value.strip()


async def _ask_database(settings: Settings, url: str, config: Path | None, question: Question) -> _Report:
    async with opened(settings, url, config, _kept_salt_key(settings.environment), _check_schema) as gateway:
        subject = await find_subject(gateway, _OPERATOR, question.key)
        return build_report(await examine(gateway, subject, question), sees_all=True)


async def _check_schema(gateway: Gateway) -> None:
    if gateway.prepare_database is not None:
        await gateway.prepare_database()


def _kept_salt_key(environment: Environment) -> Secret | None:
    """What decrypts the models of the database; None where no key has been made yet."""
    is_kept = environment.master_key is not None or (environment.data_dir / MASTER_KEY_FILE).exists()
    return find_salt_key(environment) if is_kept else environment.salt_key


def _ask_gateway(url: str, api_key: str, question: Question) -> _Report:
    headers = {"authorization": f"Bearer {api_key}", "content-type": "application/json"}
    return _read_answer(*ask_gateway(url, "POST", _PATH, msgspec.json.encode(question), headers))


def _read_answer(status: int, data: bytes) -> _Report:
    try:
        content = msgspec.json.decode(data, type=_Report)
    except msgspec.DecodeError:
        content = _Report()
    if status == http.client.OK and "is_allowed" in content:
        return content
    error = content.get("error") or content.get("detail") or f"It answered with status {status}."
    told = cast("_Report", error).get("message") if isinstance(error, dict) else error
    raise GatewayError(f"The gateway does not explain this request: {told}")
