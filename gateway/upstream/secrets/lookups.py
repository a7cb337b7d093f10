"""Secrets that models refer to, read where the database says that they are kept, and read again in time."""

import asyncio
import re
from collections.abc import Iterable, Mapping

import structlog

from gateway.clock import Clock
from gateway.errors import ConfigError, ServiceUnavailable
from gateway.settings.secret_managers import CYBERARK, MANAGERS, VAULT, read_conjur, read_vault
from gateway.upstream.fetching import Fetcher
from gateway.upstream.secrets.conjur import Conjur
from gateway.upstream.secrets.keeper import SecretKeeper
from gateway.upstream.secrets.vault import Vault

__all__ = ["SecretLookups", "build_manager"]

_RENEWED_NANOS = 300_000_000_000
"""After so long a secret is read again, and a name without one is looked for again."""
_RETRIED_NANOS = 10_000_000_000
"""After so long what a manager did not answer is asked again."""
_MOST_AT_ONCE = 8
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}")

Members = Mapping[str, object]


class SecretLookups:
    """What is known of the secrets; one per worker."""

    def __init__(self, fetcher: Fetcher, clock: Clock) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._said: Mapping[str, Members] = {}
        self._managers: tuple[SecretKeeper, ...] = ()
        self._known: dict[str, str | None] = {}
        self._wanted: set[str] = set()
        self._read_at = 0
        self._silent_until = 0
        self._log = structlog.get_logger(__name__)

    def configure(self, said: Mapping[str, Members]) -> None:
        """Read there from now on; what cannot be acted on is logged and left out."""
        if said == self._said:
            return
        self._said, self._known, self._wanted, self._silent_until = said, {}, set(), 0
        self._managers = tuple(self._build(said))

    async def find(self, names: Iterable[str]) -> dict[str, str]:
        """The secrets of these names, as far as there are any.

        While a manager does not answer, what it said before holds.
        """
        if not self._managers:
            return {}
        wanted = {name for name in names if _is_name(name)}
        self._wanted |= wanted
        await self._read(wanted - self._known.keys())
        return {name: value for name in wanted if (value := self._known.get(name)) is not None}

    async def renew(self) -> bool:
        """Read again what was read a while ago; whether anything has changed."""
        wait = _RENEWED_NANOS if self._wanted <= self._known.keys() else _RETRIED_NANOS
        if not self._wanted or self._clock.monotonic_nanos() - self._read_at < wait:
            return False
        before = dict(self._known)
        await self._read(self._wanted)
        return self._known != before

    async def _read(self, names: set[str]) -> None:
        if not names:
            return
        self._read_at = self._clock.monotonic_nanos()
        turns = asyncio.Semaphore(_MOST_AT_ONCE)

        async def read(name: str) -> None:
            async with turns:
                await self._read_one(name)

        await asyncio.gather(*(read(name) for name in sorted(names)))

    async def _read_one(self, name: str) -> None:
        if self._clock.monotonic_nanos() < self._silent_until:
            return
        for manager in self._managers:
            try:
                value = await manager.read(name)
            except ServiceUnavailable as error:
                # Nothing is noted: a later look asks again, and until then the former value holds. Whoever
                # waits for models does not wait for each name in turn.
                self._silent_until = self._clock.monotonic_nanos() + _RETRIED_NANOS
                self._log.warning("secret_unread", name=name, reason=error.message)
                return
            if value is not None:
                self._known[name] = value
                return
        self._known[name] = None

    def _build(self, said: Mapping[str, Members]) -> Iterable[SecretKeeper]:
        for kind in MANAGERS:
            if said.get(kind):
                try:
                    yield build_manager(kind, said[kind], self._fetcher)
                except ConfigError as error:
                    self._log.error("stored_secret_manager_refused", manager=kind, reason=error.message)


def build_manager(kind: str, members: Members, fetcher: Fetcher) -> SecretKeeper:
    """The manager of a row. Raises ConfigError, whose path is the member that is wrong."""
    texts = {name: str(value) for name, value in members.items() if value is not None}
    managers = {
        VAULT: lambda: Vault(read_vault(texts), fetcher),
        CYBERARK: lambda: Conjur(read_conjur(texts), fetcher),
    }
    return managers[kind]()


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and ".." not in name
