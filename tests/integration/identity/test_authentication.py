import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from gateway.access.checks import AccessChecks
from gateway.cache.expiring import Limits
from gateway.db.engine import Database
from gateway.domain import Endpoint, Role, Secret
from gateway.errors import (
    AuthenticationFailed,
    DatabaseUnavailable,
    KeyExpired,
    TokenNotFound,
)
from gateway.hooks import RequestBody, RequestContext, RequestHead
from gateway.identity.hookimpls import KeyAuthentication
from gateway.identity.master import MasterKey
from gateway.identity.principals import Principals
from gateway.identity.store import KeyStore
from gateway.ids import hash_token

MASTER_KEY = "sk-master-0123456789abcdef"
TEAM_KEY = "sk-team-key-0123456789"
PERSONAL_KEY = "sk-personal-key-0123456789"


def head(key: str) -> RequestHead:
    return RequestHead("POST", "/v1/chat/completions", {"authorization": f"Bearer {key}"})


class TurnableClock:
    """The system's clock, some seconds ahead."""

    def __init__(self) -> None:
        self.ahead = 0

    def monotonic_nanos(self) -> int:
        return time.monotonic_ns() + self.ahead * 1_000_000_000

    def now_nanos(self) -> int:
        return time.time_ns() + self.ahead * 1_000_000_000


@pytest.fixture
def clock() -> TurnableClock:
    return TurnableClock()


@pytest.fixture
async def principals(store: KeyStore, clock: TurnableClock) -> AsyncIterator[Principals]:
    principals = Principals(store, clock, journal="mine", limits=Limits(ttl_seconds=60))
    yield principals
    await principals.close()


@pytest.fixture
def authentication(principals: Principals, clock: TurnableClock) -> KeyAuthentication:
    return KeyAuthentication(principals, MasterKey(Secret(MASTER_KEY)), clock)


async def test_a_cold_key_costs_one_statement_and_a_warm_one_none(
    authentication: KeyAuthentication, database: Database, clock: TurnableClock
) -> None:
    async with database.count_statements() as cold:
        principal = await authentication.authenticate(head(TEAM_KEY))
    assert len(cold) == 1
    async with database.count_statements() as warm:
        for _ in range(10):
            assert await authentication.authenticate(head(TEAM_KEY)) is principal
            await AccessChecks(clock).authorize(
                RequestContext(
                    head=head(TEAM_KEY),
                    principal=principal,
                    endpoint=Endpoint.CHAT,
                    body=RequestBody.parse(b'{"model": "gpt-4o"}'),
                    model="gpt-4o",
                    is_stream=False,
                    call_id="call",
                    charge_id="charge",
                    started_nanos=0,
                    started_monotonic=0,
                )
            )
    assert len(warm) == 0


async def test_a_hundred_requests_with_one_cold_key_cost_one_statement(
    authentication: KeyAuthentication, database: Database
) -> None:
    async with database.count_statements() as counter:
        found = await asyncio.gather(*(authentication.authenticate(head(TEAM_KEY)) for _ in range(100)))
    assert len(counter) == 1
    assert len({id(principal) for principal in found}) == 1


async def test_an_unknown_key_is_looked_up_once_and_never_repeated_to_its_sender(
    authentication: KeyAuthentication, database: Database
) -> None:
    async with database.count_statements() as counter:
        for _ in range(3):
            with pytest.raises(TokenNotFound) as raised:
                await authentication.authenticate(head("sk-unknown-0123456789"))
    assert len(counter) == 1
    error = raised.value
    assert (error.status, error.type, error.param) == (401, "token_not_found_in_db", "key")
    assert "sk-...6789" in error.message
    assert "unknown" not in error.message


async def test_the_master_key_is_the_admin_and_costs_no_statement(
    authentication: KeyAuthentication, database: Database
) -> None:
    async with database.count_statements() as counter:
        principal = await authentication.authenticate(head(MASTER_KEY))
    assert len(counter) == 0
    assert (principal.role, principal.user_id) == (Role.PROXY_ADMIN, "default_user_id")
    assert principal.token_hash == hash_token(MASTER_KEY)


async def test_the_stored_hash_is_no_key(authentication: KeyAuthentication) -> None:
    with pytest.raises(AuthenticationFailed, match="expected to start with 'sk-'"):
        await authentication.authenticate(head(hash_token(PERSONAL_KEY)))


async def test_a_hostile_key_is_only_a_hash_to_the_database(authentication: KeyAuthentication) -> None:
    for key in ("sk-' OR '1'='1", "sk-\x00nul", "sk-\ud800surrogate", "sk-" + "x" * 100_000):
        with pytest.raises(TokenNotFound):
            await authentication.authenticate(head(key))


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ("blocked = TRUE", AuthenticationFailed, "Key is blocked"),
        ("expires = '2020-01-01'", KeyExpired, "Expired Key"),
    ],
)
async def test_blocked_and_expired_keys_are_nobody(
    authentication: KeyAuthentication, database: Database, change: str, error: type[Exception], text: str
) -> None:
    sql = f'UPDATE "LiteLLM_VerificationToken" SET {change} WHERE token = $1'
    await database.execute(sql, hash_token(PERSONAL_KEY))
    with pytest.raises(error, match=text):
        await authentication.authenticate(head(PERSONAL_KEY))


async def test_a_key_expires_while_it_is_cached(
    authentication: KeyAuthentication, database: Database, clock: TurnableClock
) -> None:
    sql = """UPDATE "LiteLLM_VerificationToken" SET expires = (now() AT TIME ZONE 'UTC') + interval '30 s'
             WHERE token = $1"""
    await database.execute(sql, hash_token(PERSONAL_KEY))
    await authentication.authenticate(head(PERSONAL_KEY))
    clock.ahead = 31
    with pytest.raises(KeyExpired):
        await authentication.authenticate(head(PERSONAL_KEY))


async def test_without_a_database_known_keys_go_on_and_unknown_ones_are_told_so(
    authentication: KeyAuthentication, database: Database, clock: TurnableClock
) -> None:
    known = await authentication.authenticate(head(PERSONAL_KEY))
    await database.close()
    clock.ahead = 3600
    assert await authentication.authenticate(head(PERSONAL_KEY)) is known
    assert (await authentication.authenticate(head(MASTER_KEY))).is_admin
    with pytest.raises(DatabaseUnavailable) as raised:
        await authentication.authenticate(head(TEAM_KEY))
    assert (raised.value.status, raised.value.type) == (503, "no_db_connection")
    await database.open()
    clock.ahead += 6
    fresh = await authentication.authenticate(head(PERSONAL_KEY))
    assert fresh == known
    assert fresh is not known


async def test_every_load_seeds_the_counters_from_one_snapshot(
    store: KeyStore, clock: TurnableClock, database: Database
) -> None:
    seeds = []
    principals = Principals(
        store, clock, journal="mine", seed=lambda totals, position: seeds.append((dict(totals), position))
    )
    principal = await principals.find(hash_token(TEAM_KEY))
    assert principal is not None
    await principals.find(hash_token(TEAM_KEY))
    ((totals, position),) = seeds
    assert position == 42
    assert set(totals) == set(principal.scopes)
    await principals.close()
