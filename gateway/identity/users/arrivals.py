"""Users who appear by being named: by a key, by a team, or by an administrator."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.audit.changes import Audited, created
from gateway.audit.trail import Actor
from gateway.domain import Principal, Scope, ScopeKind
from gateway.identity.newcomers import NewcomerDefaults
from gateway.identity.records import Records
from gateway.ids import new_id

__all__ = ["NO_DEFAULTS", "Arrivals"]

_GATEWAY = Actor("gateway")
NO_DEFAULTS: Mapping[str, object] = MappingProxyType({})


class Arrivals:
    """Makes rows for users who have none, with what the operator gives every new user."""

    def __init__(self, records: Records, newcomers: NewcomerDefaults | None = None) -> None:
        self._records = records
        self._newcomers = newcomers

    async def ensure(
        self, user_id: str | None, email: str | None = None, actor: Principal | Actor = _GATEWAY
    ) -> str:
        """Make the user, with an id of its own if none is given, unless there is one; returns the id.

        `actor` is who named the user.
        """
        identifier = user_id or new_id()
        defaults = NO_DEFAULTS if self._newcomers is None else self._newcomers.user_columns
        duration = defaults.get("budget_duration")
        values = {
            "user_role": "internal_user",
            **defaults,
            "budget_reset_at": self._records.reset_at(duration if isinstance(duration, str) else None),
            "user_id": identifier,
            "user_email": email,
        }
        made = await self._records.users.insert(values)
        if made is not None:
            await self._records.audit.record(actor, created(Audited.USER, identifier, made))
            await self._records.entries.open_balance(Scope(ScopeKind.USER, identifier), 0.0)
        return identifier
