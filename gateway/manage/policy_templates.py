"""The routes of templates of policies."""

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.guardrails.kinds import Kinds
from gateway.guardrails.policies.template_trial import (
    SuggestRequest,
    TemplateTrialRequest,
    suggest,
    try_definitions,
)
from gateway.guardrails.policies.templates import EnrichRequest, enrich, list_templates
from gateway.guardrails.trial import TrialRun
from gateway.ids import new_id
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.guardrail_trials import trial_run_of
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway
from gateway.sdk import GuardrailCall

__all__ = ["ROUTE_HANDLERS"]

_ENRICH = BodyReader(EnrichRequest)
_TRY = BodyReader(TemplateTrialRequest)
_SUGGEST = BodyReader(SuggestRequest)
_RUN = allow(Resource.POLICY, Action.RUN)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]


@get(
    "/policy/templates",
    opt={"rule": RouteRule(name="/policy/templates", permit=allow(Resource.POLICY, Action.READ))},
)
async def list_all() -> list[dict[str, Any]]:
    """List the templates whose guardrails are installed, each with the policy that it makes."""
    return [template.show() for template in list_templates(Kinds().names)]


@post(
    "/policy/templates/enrich",
    status_code=200,
    opt={"rule": RouteRule(name="/policy/templates/enrich", permit=_RUN, body=EnrichRequest)},
)
async def fill_in(request: _Request) -> Answer:
    """Fill in what a template leaves open; nothing is stored."""
    body = await _ENRICH.read_from(request)
    return answer(enrich(body.value, Kinds().names), body)


@post(
    "/policy/templates/suggest",
    status_code=200,
    opt={"rule": RouteRule(name="/policy/templates/suggest", permit=_RUN, body=SuggestRequest)},
)
async def suggest_templates(request: _Request, gateway: _Gateway) -> Answer:
    """Say which templates stop the examples, or do what is described; no model is asked."""
    body = await _SUGGEST.read_from(request)
    kinds = Kinds()
    templates = list_templates(kinds.names)
    run = TrialRun(gateway.clock, GuardrailCall(guardrail="", call_id=new_id()))
    return answer(await suggest(kinds, templates, body.value, run), body)


@post(
    "/policy/templates/test",
    status_code=200,
    opt={"rule": RouteRule(name="/policy/templates/test", permit=_RUN, body=TemplateTrialRequest)},
)
async def try_template(request: _Request, caller: _Caller, gateway: _Gateway) -> Answer:
    """Show a text to guardrails that are not set up; the caller pays for models that they ask."""
    body = await _TRY.read_from(request)
    environ = gateway.parts.added.environ
    run = trial_run_of(gateway, caller, request)
    return answer(await try_definitions(Kinds(), body.value, environ, run), body)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (list_all, fill_in, suggest_templates, try_template)
