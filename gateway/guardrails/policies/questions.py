"""What policies would do, without a call: for somebody, and by themselves."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from gateway.errors import ConfigError
from gateway.guardrails.policies.book import Circumstances, Match, Policy, PolicyBook, resolve_policy
from gateway.settings.node import build_node
from gateway.settings.policies import read_policy

__all__ = ["WhoRequest", "describe_policy", "describe_resolution", "find_matches", "validate"]


class WhoRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /policies/resolve` and `POST /policy/test`: a caller by its aliases."""

    team_alias: str | None = None
    key_alias: str | None = None
    model: str | None = None
    tags: list[str] | None = None


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a policy."""

    policy_name: str
    error_type: str
    message: str
    field: str | None = None
    value: str | None = None


def find_matches(book: PolicyBook, who: WhoRequest) -> tuple[Match, ...]:
    """The policies that a caller has by attachments."""
    there = Circumstances(
        models=() if who.model is None else (who.model,),
        teams=() if who.team_alias is None else (who.team_alias,),
        keys=() if who.key_alias is None else (who.key_alias,),
        tags=tuple(who.tags or ()),
    )
    return book.find(there)


def describe_resolution(matches: Iterable[Match]) -> dict[str, Any]:
    """The policies with the reasons for them, and all their guardrails."""
    shown: list[dict[str, Any]] = []
    names: set[str] = set()
    for match in matches:
        policy = match.policy
        names.update(policy.guardrails)
        one = {
            "policy_name": policy.name,
            "matched_via": match.reason,
            "guardrails_added": list(policy.guardrails),
        }
        shown.append(one | ({"fault": policy.fault} if policy.fault else {}))
    return {"effective_guardrails": sorted(names), "matched_policies": shown}


def describe_policy(book: PolicyBook, policy: Policy) -> dict[str, Any]:
    """What a policy is: where it is attached, and what follows from its parents."""
    mine = [item for item in (*book.attachments, *book.defaults) if item.policy == policy.name]
    is_everywhere = any(item.is_global for item in mine)
    kinds = ("teams", "keys", "models", "tags")
    scope = {
        kind: ["*"]
        if is_everywhere
        else list(dict.fromkeys(name for item in mine for name in getattr(item.scope, kind)))
        for kind in kinds
    }
    return {
        "policy_name": policy.name,
        "inherit": policy.entry.inherit,
        "scope": scope,
        "guardrails": {"add": list(policy.entry.add), "remove": list(policy.entry.remove)},
        "resolved_guardrails": list(policy.guardrails),
        "inheritance_chain": list(policy.chain),
    }


def validate(sent: Mapping[str, object], book: PolicyBook, installed: Collection[str]) -> dict[str, object]:
    """Whether policies as the configuration writes them could be followed beside those that there are."""
    problems: list[Problem] = []
    warnings: list[Problem] = []
    known = dict(book.policies)
    for name, value in sent.items():
        try:
            entry = read_policy(name, build_node(value, f"policies.{name}"))
        except ConfigError as error:
            problems.append(
                Problem(policy_name=name, error_type="invalid_syntax", message=error.reason, field=error.path)
            )
        else:
            known[name] = Policy(name=name, policy_id=name, entry=entry)
    for name in sent.keys() & known.keys():
        policy = resolve_policy(known[name], known)
        problems += _find_problems(policy, installed)
        warnings += (
            _unknown(name, guardrail, "guardrails.remove")
            for guardrail in policy.entry.remove
            if guardrail not in installed
        )
    return {"valid": not problems, "errors": problems, "warnings": warnings}


def _find_problems(policy: Policy, installed: Collection[str]) -> Iterable[Problem]:
    if policy.fault:
        is_circle = policy.entry.inherit in policy.chain
        yield Problem(
            policy_name=policy.name,
            error_type="circular_inheritance" if is_circle else "invalid_inheritance",
            message=policy.fault,
            field="inherit",
            value=policy.entry.inherit,
        )
    for guardrail in policy.guardrails:
        if guardrail not in installed:
            yield _unknown(policy.name, guardrail, "guardrails.add")


def _unknown(policy: str, guardrail: str, field: str) -> Problem:
    return Problem(
        policy_name=policy,
        error_type="invalid_guardrail",
        message=f"There is no guardrail '{guardrail[:100]}'.",
        field=field,
        value=guardrail,
    )
