"""Building a Subject from its row: a pure function; who is free of any restriction is none."""

from datetime import datetime

import msgspec

from gateway.domain import ModelGrant, Scope, ScopeKind, Subject
from gateway.identity.build import build_agent_rules
from gateway.identity.limits import LimitBuilder
from gateway.identity.special_models import NO_DEFAULT_MODELS, UNRESTRICTED
from gateway.identity.stored_values import read_nanos
from gateway.identity.subject_rows import SubjectRow
from gateway.settings.access import AccessSettings

__all__ = ["NO_SUBJECT_DEFAULTS", "SubjectDefaults", "build_subject", "build_subject_defaults"]


class SubjectDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """The budgets of end users without one: a budget row, or nano-dollars; and who is an end user at all.

    `validates_end_users`: only customers and users are, by id or e-mail address, and whoever a budget row is
    for.
    """

    end_user_budget_id: str | None = None
    end_user_budget_nanos: int | None = None
    validates_end_users: bool = False


NO_SUBJECT_DEFAULTS = SubjectDefaults()


def build_subject_defaults(settings: AccessSettings) -> SubjectDefaults:
    """The defaults that a configuration sets."""
    usd = settings.end_user_budget
    return SubjectDefaults(
        end_user_budget_id=settings.end_user_budget_id,
        end_user_budget_nanos=None if usd is None else read_nanos(usd),
        validates_end_users=settings.validates_end_users,
    )


def build_subject(row: SubjectRow, now: datetime, defaults: SubjectDefaults) -> Subject | None:
    """Build what restricts a request that names this object, or None where nothing does."""
    builder = LimitBuilder(row.scope, row.name, now)
    builder.add_budget(row.budget)
    builder.add_rates(row.budget)
    is_unlimited = row.scope.kind is ScopeKind.END_USER and row.budget.max_budget is None
    if is_unlimited and defaults.end_user_budget_nanos is not None:
        builder.add_period(defaults.end_user_budget_nanos, "")
    subject = Subject(
        scope=row.scope,
        name=row.name,
        limits=tuple(builder.limits),
        grants=_grants(row),
        is_blocked=row.is_blocked,
        allowed_region=row.allowed_region or None,
        default_model=row.default_model or None,
        permission=row.permission,
        groups=row.groups,
        agent_rules=None if row.agent is None else build_agent_rules(row.agent),
        unreadable=(*row.unreadable, *builder.unreadable),
    )
    return None if subject == _free(row.scope, row.name, subject.default_model) else subject


def _free(scope: Scope, name: str, default_model: str | None) -> Subject:
    # A default model alone changes nothing: it counts only where the asked one is not to be had.
    return Subject(scope=scope, name=name, default_model=default_model)


def _grants(row: SubjectRow) -> tuple[ModelGrant, ...]:
    lists = (row.models, row.permission.models if row.permission else ())
    found = (frozenset(models) for models in lists)
    return tuple(
        ModelGrant(row.scope, models)
        for models in found
        if models and (models.isdisjoint(UNRESTRICTED) or NO_DEFAULT_MODELS in models)
    )
