"""What policies give a request: guardrails that run by themselves, and pipelines."""

from collections.abc import Collection, Iterator, Mapping
from typing import cast

import msgspec

from gateway.errors import BadRequest, ServiceUnavailable
from gateway.guardrails.policies.book import Circumstances, Match, PolicyBook
from gateway.hooks import RequestContext
from gateway.settings.policies import Pipeline

__all__ = ["NOTHING_ALLOTTED", "Allotment", "allot", "circumstances_of"]

_MOST_NAMED = 50
_CONTAINERS = ("metadata", "litellm_metadata")


class Allotment(msgspec.Struct, frozen=True):
    """The guardrails that run by themselves, the pipelines, and per guardrail the policy's id."""

    names: tuple[str, ...] = ()
    pipelines: tuple[Pipeline, ...] = ()
    origins: Mapping[str, str] = {}
    matches: tuple[Match, ...] = ()


NOTHING_ALLOTTED = Allotment()


def allot(book: PolicyBook, context: RequestContext, installed: Collection[str]) -> Allotment:
    """Find the policies of a request and note them in its context; those that it has already are passed over.

    `installed` are the guardrails that are set up. Raises BadRequest for a policy that the request made up,
    and ServiceUnavailable for one that cannot be followed.
    """
    asked = tuple(dict.fromkeys(_read_names(context)))
    for name in asked:
        if name not in book.policies:
            raise BadRequest(f"There is no policy '{name[:100]}'.", param="policies")
    callers = context.principal.policies
    named = (*((name, "caller") for name in callers), *((name, "request") for name in asked))
    known = {name for name, _ in context.policies}
    matches = [
        match for match in book.find(circumstances_of(context), named) if match.policy.name not in known
    ]
    names: dict[str, None] = {}
    origins: dict[str, str] = {}
    pipelines: list[Pipeline] = []
    for match in matches:
        policy = match.policy
        _check(match, installed)
        pipeline = policy.entry.pipeline
        steps = () if pipeline is None else tuple(step.guardrail for step in pipeline.steps)
        names |= dict.fromkeys(name for name in policy.guardrails if name not in steps)
        pipelines += [] if pipeline is None else [pipeline]
        for name in (*policy.guardrails, *steps):
            origins.setdefault(name, policy.policy_id)
    context.policies = (*context.policies, *((match.policy.name, match.reason) for match in matches))
    return Allotment(tuple(names), tuple(pipelines), origins, tuple(matches))


def circumstances_of(context: RequestContext) -> Circumstances:
    """What a request is about: models, teams and keys by all their names."""
    principal = context.principal
    return Circumstances(
        models=tuple(dict.fromkeys((context.model, context.routed_model))),
        teams=tuple(name for name in (principal.team_alias, principal.team_id) if name),
        keys=tuple(name for name in (principal.key_alias, principal.token_hash) if name),
        tags=context.tags,
    )


def _check(match: Match, installed: Collection[str]) -> None:
    policy = match.policy
    missing = next((name for name in policy.guardrails if name not in installed), None)
    if policy.fault or missing is not None:
        fault = policy.fault or f"Its guardrail '{missing}' is not set up."
        raise ServiceUnavailable(
            f"The policy '{policy.name[:100]}', which this call has, cannot be followed: {fault} Ask the "
            "operator of the gateway.",
            type="guardrail_failed",
            details={"policy": policy.name},
        )


def _read_names(context: RequestContext) -> Iterator[str]:
    """The policies that a request names itself, in its body or its metadata. Raises BadRequest."""
    body = context.body
    places: list[tuple[str, object]] = []
    if "policies" in body.members:
        places.append(("policies", body.read("policies")))
    for container in _CONTAINERS:
        value = body.read(container) if container in body.members else None
        if isinstance(value, dict):
            members = cast("Mapping[str, object]", value)  # JSON objects have text keys
            places.append((f"{container}.policies", members.get("policies")))
    for param, value in places:
        names = _texts(value)
        if names is None:
            raise BadRequest(f"'{param}' must be a list of names.", param=param)
        if len(names) > _MOST_NAMED:
            raise BadRequest(f"'{param}' names more than {_MOST_NAMED}.", param=param)
        yield from names


def _texts(value: object) -> list[str] | None:
    """A JSON list of texts, empty for null; None when it is something else."""
    items = cast("list[object]", value if isinstance(value, list) else [])  # of JSON values
    texts = [item for item in items if isinstance(item, str)]
    return texts if value is None or (isinstance(value, list) and len(texts) == len(items)) else None
