"""What a rule says of one request, for those who ask without making it."""

from collections.abc import Callable
from enum import StrEnum

import msgspec

from gateway.domain import Scope
from gateway.errors import GatewayError

__all__ = ["Finding", "Verdict", "judge"]


class Verdict(StrEnum):
    """What a rule may say."""

    PASSES = "passes"
    REFUSES = "refuses"
    DOES_NOT_APPLY = "does_not_apply"
    """The rule cannot refuse this caller: it is switched off, or nobody here is held to it."""
    NOT_JUDGED = "not_judged"
    """The question leaves it open, or it is judged only when the request comes."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One rule and its verdict; `error` is what a request would be answered, `scope` whose rule it is.

    `note` says why something is not judged.
    """

    rule: str
    verdict: Verdict
    error: GatewayError | None = None
    scope: Scope | None = None
    note: str | None = None


def judge(rule: str, check: Callable[[], object] | None, scope: Scope | None = None) -> Finding:
    """Run a check that raises GatewayError where it refuses; None is one that cannot refuse."""
    if check is None:
        return Finding(rule=rule, verdict=Verdict.DOES_NOT_APPLY, scope=scope)
    try:
        check()
    except GatewayError as error:
        return Finding(rule=rule, verdict=Verdict.REFUSES, error=error, scope=scope)
    return Finding(rule=rule, verdict=Verdict.PASSES, scope=scope)
