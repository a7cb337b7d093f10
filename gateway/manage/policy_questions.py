"""The routes that ask what policies would do: for somebody, on texts, and by themselves."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import NotFound
from gateway.guardrails.policies.questions import (
    WhoRequest,
    describe_policy,
    describe_resolution,
    find_matches,
    validate,
)
from gateway.guardrails.policies.trial import (
    BatchTrialRequest,
    PipelineTrialRequest,
    try_guardrails,
    try_pipeline,
)
from gateway.identity.pages import cut
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.guardrail_trials import trial_run_of
from gateway.manage.paging import listed_in, page_of
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]


class ValidateRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /policy/validate`: policies as the configuration writes them."""

    policies: dict[str, Any]


_WHO = BodyReader(WhoRequest)
_VALIDATE = BodyReader(ValidateRequest)
_PIPELINE = BodyReader(PipelineTrialRequest)
_BATCH = BodyReader(BatchTrialRequest)
_READ, _RUN = allow(Resource.POLICY, Action.READ), allow(Resource.POLICY, Action.RUN)
_BATCHES = "/utils/test_policies_and_guardrails"
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]


@post(
    "/policies/resolve",
    status_code=200,
    opt={"rule": RouteRule(name="/policies/resolve", permit=_RUN, body=WhoRequest)},
)
async def resolve(
    request: _Request,
    gateway: _Gateway,
    force_sync: FromQuery[bool] = False,  # noqa: ARG001, FBT002  a query parameter; every worker is told of changes
) -> Answer:
    """Say which policies and guardrails somebody has by attachments, and why."""
    body = await _WHO.read_from(request)
    matches = find_matches(gateway.snapshot.core.policies, body.value)
    return answer(describe_resolution(matches), body)


@post(
    "/policy/test",
    status_code=200,
    opt={"rule": RouteRule(name="/policy/test", permit=_RUN, body=WhoRequest)},
)
async def test_policies(request: _Request, gateway: _Gateway) -> Answer:
    """Say which policies somebody has by attachments."""
    body = await _WHO.read_from(request)
    found = find_matches(gateway.snapshot.core.policies, body.value)
    names = [match.policy.name for match in found]
    shown = {
        "context": body.value,
        "matching_policies": names,
        "resolved_guardrails": describe_resolution(found)["effective_guardrails"],
        "message": f"{len(names)} policies apply." if names else "No policy applies.",
    }
    return answer(shown, body)


@get("/policy/list", opt={"rule": RouteRule(name="/policy/list", permit=_READ)})
async def list_followed(
    gateway: _Gateway, *, after: FromQuery[str | None] = None, limit: FromQuery[int | None] = None
) -> Response[dict[str, Any]]:
    """List the policies that this worker follows, by name."""
    page, book = page_of(after, limit), gateway.snapshot.core.policies
    live = sorted(name for name, policy in book.policies.items() if policy.is_live)
    names = [name for name in live if name > page.after][: page.most + 1]
    found = cut([describe_policy(book, book.policies[name]) for name in names], page, "policy_name")
    shown = {row["policy_name"]: row for row in found.rows}
    return listed_in({"policies": shown, "total_count": len(live)}, found)


@get(
    "/policy/info/{policy_name:str}",
    opt={"rule": RouteRule(name="/policy/info/{policy_name}", permit=_READ)},
)
async def show_followed(gateway: _Gateway, policy_name: FromPath[str]) -> dict[str, Any]:
    """Show a policy that this worker follows, with what it has from its parents."""
    book = gateway.snapshot.core.policies
    policy = book.policies.get(policy_name)
    if policy is None or not policy.is_live:
        raise NotFound(f"There is no policy '{policy_name[:100]}' in production.", param="policy_name")
    return describe_policy(book, policy)


@post(
    "/policy/validate",
    status_code=200,
    opt={"rule": RouteRule(name="/policy/validate", permit=_RUN, body=ValidateRequest)},
)
async def validate_policies(request: _Request, gateway: _Gateway) -> Answer:
    """Say whether policies could be followed, beside those that there are."""
    body = await _VALIDATE.read_from(request)
    core = gateway.snapshot.core
    installed = {item.entry.name for item in core.guardrails}
    return answer(validate(body.value.policies, core.policies, installed), body)


@post(
    "/policies/test-pipeline",
    status_code=200,
    opt={"rule": RouteRule(name="/policies/test-pipeline", permit=_RUN, body=PipelineTrialRequest)},
)
async def test_pipeline(request: _Request, caller: _Caller, gateway: _Gateway) -> Answer:
    """Run a pipeline on messages, and say what each step comes to."""
    body = await _PIPELINE.read_from(request)
    installed = gateway.snapshot.core.guardrails
    return answer(await try_pipeline(installed, body.value, trial_run_of(gateway, caller, request)), body)


@post(
    _BATCHES,
    status_code=200,
    opt={"rule": RouteRule(name=_BATCHES, permit=_RUN, body=BatchTrialRequest)},
)
async def test_batch(request: _Request, caller: _Caller, gateway: _Gateway) -> Answer:
    """Run guardrails, and those of policies, on each of several inputs."""
    body = await _BATCH.read_from(request)
    core = gateway.snapshot.core
    run = trial_run_of(gateway, caller, request)
    found = await try_guardrails(core.policies, core.guardrails, body.value, run)
    return answer({"results": found}, body)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    resolve,
    test_policies,
    list_followed,
    show_followed,
    validate_policies,
    test_pipeline,
    test_batch,
)
