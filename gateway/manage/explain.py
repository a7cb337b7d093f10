"""The route that says what would become of a request."""

from typing import Any

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.pipeline.explain.callers import find_subject, sees_everything
from gateway.pipeline.explain.examination import examine
from gateway.pipeline.explain.question import Question
from gateway.pipeline.explain.report import build_report
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_QUESTION = BodyReader(Question)
_RULE = RouteRule(
    name="/auth/explain",
    permit=allow(Resource.AUTHORIZATION, Action.READ, Party.CALLER),
    allows_any_key=True,
    body=Question,
)


@post("/auth/explain", status_code=200, opt={"rule": _RULE})
async def explain_request(
    request: Request[Any, Any, Any], caller: NamedDependency[Principal], gateway: NamedDependency[Gateway]
) -> Answer:
    """Ask every rule and limit about a request, which is not made."""
    body = await _QUESTION.read_from(request)
    question, sees_all = body.value, sees_everything(caller)
    subject = await find_subject(gateway, caller, question.key)
    if not sees_all:
        # Asked about one address after the other, the answers would be the list of those that are let in.
        question = msgspec.structs.replace(question, client_ip=None)
    found = await examine(gateway, subject, question)
    return answer(build_report(found, sees_all=sees_all), body)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (explain_request,)
