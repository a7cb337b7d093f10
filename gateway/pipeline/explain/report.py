"""What of an examination is told to whom, as the JSON of the answer."""

from collections.abc import Iterator

from gateway.access.checks import MODEL_RULE
from gateway.access.findings import Finding, Verdict
from gateway.access.remedies import REMEDIES
from gateway.admission.outlook import Standing
from gateway.clock import datetime_from_nanos
from gateway.domain import Deployment, Limit, LimitKind, Scope, ScopeKind
from gateway.errors import GatewayError
from gateway.money import usd_from_nanos
from gateway.pipeline.explain.examination import Examination, Fallback

__all__ = ["build_report"]

_Content = dict[str, object]
_NAMED = frozenset({ScopeKind.END_USER, ScopeKind.TAG, ScopeKind.AGENT})
_OWNED = frozenset(
    {
        *(ScopeKind.KEY, ScopeKind.TEAM, ScopeKind.TEAM_MEMBER, ScopeKind.USER, ScopeKind.PROJECT),
        *(ScopeKind.ORGANIZATION, ScopeKind.ORGANIZATION_MEMBER),
    }
)
"""What a key belongs to. Of others its owner is told the numbers only where a request would be told them."""


def build_report(examination: Examination, *, sees_all: bool) -> _Content:
    """Build the answer; `sees_all` for an administrator.

    Others see of rules and limits what a refusal would tell them: scopes by kind and name. A model that is
    not open to them is not spoken of any further.
    """
    return _Report(examination, sees_all=sees_all).build()


class _Report:
    def __init__(self, examination: Examination, *, sees_all: bool) -> None:
        self._all = sees_all
        self._examination = examination
        is_refused = any(one.rule == MODEL_RULE and one.error for one in examination.findings)
        self._is_open = sees_all or not is_refused
        self._findings = (
            examination.findings if self._is_open else examination.findings[: examination.before_model]
        )

    def build(self) -> _Content:
        examination, error = self._examination, self._examination.outcome
        return {
            "is_allowed": error is None,
            "refusal": None if error is None else _refusal(examination, error),
            "key": self._key(),
            "model": self._model(),
            "rules": [self._rule(finding) for finding in self._findings],
            "limits": list(self._limits()) if self._is_open else [],
            "budget_fallbacks": [_fallback(one) for one in examination.fallbacks],
            "estimate": self._estimate(),
        }

    def _key(self) -> _Content:
        principal = self._examination.context.principal
        told: _Content = {"key_name": principal.key_name, "key_alias": principal.key_alias}
        if self._all:
            told |= {
                "token": principal.token_hash,
                "user_id": principal.user_id,
                "team_id": principal.team_id,
                "organization_id": principal.organization_id,
                "project_id": principal.project_id,
                "agent_id": principal.agent_id,
            }
        return told

    def _model(self) -> _Content:
        examination = self._examination
        told: _Content = {"asked": examination.asked or None}
        if not self._is_open:
            return told
        context, group = examination.context, examination.group
        told |= {"resolved": context.routed_model or None, "served_by": examination.served_by}
        told["is_free"] = context.is_free
        told["deployments"] = [self._deployment(one) for one in (group.deployments if group else ())]
        return told

    def _deployment(self, deployment: Deployment) -> _Content:
        examination = self._examination
        places = examination.places_of(deployment)
        told: _Content = {
            "id": deployment.id,
            "is_cooling_down": deployment.id in examination.cooling,
            "is_over_budget": any(one.refuses for one in places),
        }
        if self._all:
            told["budgets"] = [
                {**self._limit(one.limit), **self._numbers(one, is_free=False)} for one in places
            ]
        return told

    def _rule(self, finding: Finding) -> _Content:
        told: _Content = {"rule": finding.rule, "verdict": finding.verdict.value}
        if finding.scope is not None:
            told |= self._scope(finding.scope)
        if finding.note is not None and (self._all or not finding.rule.startswith("plugin:")):
            told["note"] = finding.note
        if finding.error is not None:
            told |= {**_error(finding.error), "help": REMEDIES[finding.rule]}
        if not self._all and finding.rule.startswith("plugin:"):
            told["rule"] = "plugin"
        return told

    def _scope(self, scope: Scope) -> _Content:
        told: _Content = {"scope": scope.kind.value}
        if self._all or scope.kind in _NAMED:
            told["scope_id"] = scope.id
        return told

    def _limits(self) -> Iterator[_Content]:
        examination = self._examination
        standings = examination.outlook.standings if examination.outlook else ()
        is_free = examination.context.is_free
        for standing in standings:
            yield {**self._limit(standing.limit), **self._numbers(standing, is_free=is_free)}
        for limit in examination.unmet:
            yield {**self._limit(limit), "verdict": Verdict.DOES_NOT_APPLY.value}

    def _limit(self, limit: Limit) -> _Content:
        is_budget = limit.kind is LimitKind.BUDGET
        told = self._scope(limit.scope)
        told |= {
            "scope_name": limit.name,
            "kind": limit.kind.value,
            "model": limit.model,
            "period": limit.period or None,
            "window_seconds": limit.window_seconds or None,
            "is_soft": limit.is_soft,
        }
        if self._all or limit.scope.kind in _OWNED:
            told["limit"] = usd_from_nanos(limit.amount) if is_budget else limit.amount
        return told

    def _numbers(self, standing: Standing, *, is_free: bool) -> _Content:
        limit = standing.limit
        is_budget = limit.kind is LimitKind.BUDGET
        verdict = Verdict.DOES_NOT_APPLY if limit.is_soft or (is_free and is_budget) else Verdict.PASSES
        told: _Content = {"verdict": (Verdict.REFUSES if standing.refuses else verdict).value}
        if not (self._all or limit.scope.kind in _OWNED or standing.refuses):
            return told
        told["resets_at"] = _time(standing.resets_at_nanos)
        if not is_budget:
            return told | {"limit": limit.amount, "used": standing.used, "remaining": standing.remaining}
        return told | {
            "limit": usd_from_nanos(limit.amount),
            "spend": usd_from_nanos(standing.used),
            "held": usd_from_nanos(standing.held),
            "remaining": usd_from_nanos(standing.remaining),
        }

    def _estimate(self) -> _Content | None:
        """What a request with the given body would hold."""
        examination = self._examination
        if not (self._is_open and examination.has_body and examination.outlook):
            return None
        context = examination.context
        return {
            "cost": usd_from_nanos(context.estimated_cost_nanos),
            "input_tokens": context.estimated_input_tokens,
            "output_tokens": context.estimated_output_tokens,
        }


def _refusal(examination: Examination, error: GatewayError) -> _Content:
    rule = next((one.rule for one in examination.findings if one.error is error), "budget_fallbacks")
    return {"rule": rule, **_error(error), "help": REMEDIES.get(rule)}


def _fallback(one: Fallback) -> _Content:
    return {"model": one.model, "refusal": None if one.refusal is None else _error(one.refusal)}


def _error(error: GatewayError) -> _Content:
    return {
        "status": error.status,
        "type": error.type,
        "param": error.param,
        "message": error.message,
    }


def _time(nanos: int | None) -> str | None:
    return None if nanos is None else datetime_from_nanos(nanos).isoformat().replace("+00:00", "Z")
