"""What an alert says: the contract's WebhookEvent, built from a budget and its spend."""

from collections.abc import Iterable
from typing import cast

import msgspec

from gateway.alerts.kinds import AlertType
from gateway.domain import BudgetMark, Limit, Principal, ScopeKind
from gateway.money import usd_from_nanos

__all__ = ["Alert", "WebhookEvent", "build_alert", "build_notice"]

_GROUPS = {
    ScopeKind.KEY: "key",
    ScopeKind.USER: "internal_user",
    ScopeKind.TEAM: "team",
    ScopeKind.TEAM_MEMBER: "team_member",
    ScopeKind.ORGANIZATION: "organization",
    ScopeKind.ORGANIZATION_MEMBER: "organization_member",
    ScopeKind.PROJECT: "project",
    ScopeKind.END_USER: "customer",
    ScopeKind.TAG: "tag",
    ScopeKind.AGENT: "agent",
    ScopeKind.GATEWAY: "proxy",
}
_WORDS = {
    BudgetMark.SOFT: "Soft Budget Crossed",
    BudgetMark.NEAR: "80% of the Budget Spent",
    BudgetMark.CROSSED: "Budget Crossed",
}
_EMAILS_KEY = "soft_budget_alerting_emails"
_MOST_RECIPIENTS = 50


class WebhookEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a webhook; amounts are USD, `token` is the hash of the key."""

    event: str
    event_message: str
    event_group: str
    spend: float
    max_budget: float | None = None
    soft_budget: float | None = None
    token: str | None = None
    user_id: str | None = None
    team_id: str | None = None
    team_alias: str | None = None
    organization_id: str | None = None
    customer_id: str | None = None
    user_email: str | None = None
    key_alias: str | None = None
    projected_exceeded_date: str | None = None
    projected_spend: float | None = None


class Alert(msgspec.Struct, frozen=True):
    """An event, the object that it is about, and who gets a mail.

    The first two are told once in `quiet_seconds`: by any worker, or with `is_own` by this one, whatever
    others have told and whether there is a database or not.
    """

    event: WebhookEvent
    entity: str
    recipients: tuple[str, ...] = ()
    type: AlertType = AlertType.BUDGETS
    quiet_seconds: float = 86_400.0
    is_own: bool = False


def build_notice(
    kind: AlertType, entity: str, message: str, *, quiet_seconds: float, is_own: bool = False
) -> Alert:
    """What is to be told about the gateway itself, in one or several lines."""
    event = WebhookEvent(event=kind, event_message=message, event_group="proxy", spend=0.0)
    return Alert(event, entity, type=kind, quiet_seconds=quiet_seconds, is_own=is_own)


def build_alert(principal: Principal, limit: Limit, spent_nanos: int) -> Alert | None:
    """What is to be told of a budget of which so much is spent, or None.

    The soft budget of a team is told only if the team says to whom, in `soft_budget_alerting_emails` of its
    metadata.
    """
    mark, words = _mark_of(limit, spent_nanos)
    if mark is None:
        return None
    kind = limit.scope.kind
    recipients = (principal.user_email,) if principal.user_email else ()
    if kind is ScopeKind.TEAM:
        recipients = _team_recipients(principal)
        if mark is BudgetMark.SOFT and not recipients:
            return None
    amount, group = usd_from_nanos(limit.amount), _GROUPS.get(kind, kind.value)
    event = WebhookEvent(
        event=mark,
        event_message=f"{group.replace('_', ' ').title()} Budget: {words}",
        event_group=group,
        spend=usd_from_nanos(spent_nanos),
        max_budget=None if limit.is_soft else amount,
        soft_budget=amount if limit.is_soft else None,
        token=principal.token_hash,
        user_id=principal.user_id,
        team_id=principal.team_id,
        team_alias=principal.team_alias,
        organization_id=principal.organization_id,
        customer_id=limit.scope.id if kind is ScopeKind.END_USER else None,
        user_email=principal.user_email,
        key_alias=principal.key_alias,
    )
    details = "".join(f":{part}" for part in (limit.model, limit.period) if part)
    return Alert(event, f"{kind}:{limit.scope.id}{details}", recipients)


def _mark_of(limit: Limit, spent_nanos: int) -> tuple[BudgetMark | None, str]:
    spent_percent = spent_nanos * 100 // limit.amount if limit.amount > 0 else 0
    if limit.is_soft:
        mark = BudgetMark.SOFT if spent_nanos >= max(1, limit.amount) else None
    elif spent_percent >= 100:  # noqa: PLR2004  percent
        mark = BudgetMark.CROSSED
    elif spent_percent >= 85:  # noqa: PLR2004  percent, as in the contract
        left = 5 if spent_percent >= 95 else 15  # noqa: PLR2004  the same
        return BudgetMark.THRESHOLD, f"{left}% Threshold Crossed"
    else:
        mark = BudgetMark.NEAR if spent_percent >= 80 else None  # noqa: PLR2004  the same
    return mark, _WORDS[mark] if mark else ""


def _team_recipients(principal: Principal) -> tuple[str, ...]:
    """The addresses in the team's metadata: a list, or one text with commas between."""
    given = principal.team_metadata.get(_EMAILS_KEY)
    if isinstance(given, str):
        given = given.split(",")
    if not isinstance(given, list):
        return ()
    addresses = cast("Iterable[object]", given)
    found = [address.strip() for address in addresses if isinstance(address, str) and "@" in address]
    return tuple(found[:_MOST_RECIPIENTS])
