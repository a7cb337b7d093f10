"""Gives keys that rotate by themselves another secret when their time has come."""

from datetime import UTC, datetime, timedelta

import structlog

from gateway.alerts.key_courier import KeyCourier, NewSecret
from gateway.audit.trail import Actor
from gateway.clock import Clock, datetime_from_nanos
from gateway.db.engine import Database
from gateway.db.lease import Lease
from gateway.domain import Secret
from gateway.identity.credentials import abbreviate
from gateway.identity.durations import parse_duration
from gateway.identity.keys.moves import KeyMoves
from gateway.ids import hash_token, new_key
from gateway.jobs.rotation_store import DueKey, RotationStore
from gateway.settings.rotation import KeyRotationSettings

__all__ = ["ROTATION_JOB", "KeyRotations"]

ROTATION_JOB = "litellm_key_rotation_job"
"""The name of the lease, as LiteLLM calls it."""
_ACTOR = Actor(f"job:{ROTATION_JOB}")
_KEYS = 100
_KEPT = timedelta(days=7)
"""How long a revoked secret is known: requests that began with it are charged to the key until then."""


class KeyRotations:
    """The rotation job. The new secret is delivered first: a key whose user cannot be told keeps the old one.

    Every key is a transaction of its own, fenced by the lease. `rotations` counts the keys, `unreachable`
    those of the last run that nobody could be told of.
    """

    def __init__(
        self,
        database: Database,
        moves: KeyMoves,
        courier: KeyCourier,
        clock: Clock,
        settings: KeyRotationSettings,
    ) -> None:
        self.rotations = 0
        self.unreachable = 0
        self._database = database
        self._store = RotationStore(database)
        self._moves = moves
        self._courier = courier
        self._clock = clock
        self._settings = settings
        self._log = structlog.get_logger(__name__)

    async def run(self, lease: Lease) -> float | None:
        """Rotate what is due, if that is switched on, and forget revoked secrets; returns when more is due.

        Raises DatabaseUnavailable, and LeaseLostError when another worker has taken over.
        """
        before = (self._now() - _KEPT).replace(tzinfo=None)
        while await self._store.forget_revoked(before, _KEYS) == _KEYS:
            pass
        if not self._settings.is_enabled:
            return None
        self.unreachable, after, found = 0, "", _KEYS
        now = self._now().replace(tzinfo=None)
        while found == _KEYS:
            due = await self._store.list_due(now, after, _KEYS)
            for key in due:
                await self._rotate(lease, key)
            found = len(due)
            after = due[-1].token if due else after
        if self.unreachable:
            self._log.warning("keys_not_rotated", count=self.unreachable, reason="nobody could be told")
        upcoming = await self._store.find_next(now)
        return None if upcoming is None else (upcoming - now).total_seconds()

    async def _rotate(self, lease: Lease, key: DueKey) -> None:
        if not _is_readable(key.rotation_interval):
            self._log.warning("key_not_rotated", key=key.key_name, reason="its rotation_interval is none")
            return
        secret = new_key()
        revoke_at = self._now() + timedelta(seconds=self._settings.grace_seconds)
        if not self._courier.reaches(key.user_email) or not await self._courier.deliver(
            _told(key, secret, revoke_at)
        ):
            self.unreachable += 1
            return
        async with self._database.transaction() as connection:
            await lease.fence(connection)
            row = await self._moves.lock(key.token)
            # Whoever deleted or rotated it meanwhile has the last word.
            if row is not None:
                await self._moves.move(_ACTOR, row, secret, revoke_at)
        self.rotations += 1

    def _now(self) -> datetime:
        return datetime_from_nanos(self._clock.now_nanos()).astimezone(UTC)


def _is_readable(interval: str) -> bool:
    """Whether it is a duration: another program may have stored it."""
    try:
        parse_duration(interval)
    except ValueError:
        return False
    return True


def _told(key: DueKey, secret: str, revoke_at: datetime) -> NewSecret:
    return NewSecret(
        secret=Secret(secret),
        token=hash_token(secret),
        key_name=abbreviate(secret),
        key_alias=key.key_alias,
        user_id=key.user_id,
        team_id=key.team_id,
        user_email=key.user_email,
        old_key_valid_until=revoke_at,
    )
