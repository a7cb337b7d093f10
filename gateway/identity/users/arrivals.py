"""Users who appear by being named: by a key, by a team, or by an administrator."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from gateway.audit.changes import Audited, created
from gateway.audit.trail import Actor
from gateway.domain import Principal, ScopeKind
from gateway.errors import BadRequest
from gateway.identity.newcomers import NewcomerDefaults
from gateway.identity.records import Records
from gateway.ids import new_id

__all__ = ["NO_DEFAULTS", "Arrivals", "Named"]

_GATEWAY = Actor("gateway")
NO_DEFAULTS: Mapping[str, object] = MappingProxyType({})


class Named(Protocol):
    """Somebody in a request."""

    @property
    def user_id(self) -> str | None:
        """The id, which comes first."""

    @property
    def user_email(self) -> str | None:
        """The address, in whatever case."""


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
        await self.ensure_all({identifier: email}, actor)
        return identifier

    async def resolve(self, named: Sequence[Named], actor: Principal | Actor) -> list[str]:
        """The id of each who is named, by id or else by address; who is not there is made.

        Raises BadRequest for an address that several users have.
        """
        known = await self._records.users.list_known([one.user_id for one in named if one.user_id])
        addresses = [one.user_email for one in named if not one.user_id and one.user_email]
        by_address = await self._records.users.find_by_email(addresses)
        found: list[str] = []
        arriving: dict[str, str | None] = {}
        for one in named:
            user_id = one.user_id or _owner_of(by_address, one.user_email or "")
            if user_id is None:
                user_id = new_id()
                by_address[_normal(one.user_email or "")] = [user_id]
                arriving[user_id] = one.user_email
            elif one.user_id and user_id not in known:
                arriving.setdefault(user_id, one.user_email)
            found.append(user_id)
        await self.ensure_all(arriving, actor)
        return found

    async def ensure_all(self, users: Mapping[str, str | None], actor: Principal | Actor) -> None:
        """Make those of the users who are not there yet; `users` has addresses by ids."""
        defaults = NO_DEFAULTS if self._newcomers is None else self._newcomers.user_columns
        duration = defaults.get("budget_duration")
        values = {
            "user_role": "internal_user",
            **defaults,
            "budget_reset_at": self._records.reset_at(duration if isinstance(duration, str) else None),
        }
        # In the order in which everybody locks users, so that nobody waits in a circle.
        rows = [{**values, "user_id": name, "user_email": users[name]} for name in sorted(users)]
        made = await self._records.users.insert_all(rows)
        if made:
            await self._records.audit.record(
                actor, *(created(Audited.USER, row["user_id"], row) for row in made)
            )
            await self._records.entries.open_accounts(ScopeKind.USER, [row["user_id"] for row in made])


def _owner_of(by_address: Mapping[str, list[str]], email: str) -> str | None:
    owners = by_address.get(_normal(email), [])
    if len(owners) > 1:
        message = f"user_email: several users have the address {email}. Name one by user_id."
        raise BadRequest(message, param="user_email", type="bad_request_error")
    return owners[0] if owners else None


def _normal(email: str) -> str:
    return email.strip().lower()
