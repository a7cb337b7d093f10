"""Keys that rotate by themselves: when, and only if their user hears of it."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway.access.models import ModelLists
from gateway.alerts.key_courier import KeyCourier, NewSecret
from gateway.audit.trail import AuditTrail
from gateway.db.engine import Database
from gateway.db.lease import Lease, LeaseLostError
from gateway.db.sealing import Seal
from gateway.db.tables import TABLES
from gateway.domain import Secret
from gateway.identity.keys.defaults import KeyDefaults
from gateway.identity.keys.service import KeyService
from gateway.identity.newcomers import NewcomerDefaults
from gateway.identity.reset_calendar import ResetCalendar
from gateway.identity.services import ServiceOptions, build_services
from gateway.ids import hash_token
from gateway.jobs.rotations import KeyRotations
from gateway.settings.rotation import KeyRotationSettings
from gateway.testing import FakeClock
from tests.integration.jobs.conftest import NOW

HOUR = 3_600
ENABLED = KeyRotationSettings(is_enabled=True, grace_seconds=HOUR)
DAY_NANOS = 24 * HOUR * 1_000_000_000
KEYS = """
INSERT INTO "LiteLLM_VerificationToken" (token, key_alias, user_id, auto_rotate, rotation_interval,
    key_rotation_at, blocked, expires, spend)
VALUES ('due', 'due', NULL, true, '30d', '2026-03-10 15:00', NULL, NULL, 1.5),
    ('never yet', NULL, NULL, true, '1d', NULL, NULL, NULL, 0),
    ('later', NULL, NULL, true, '1h', '2026-03-10 16:00', NULL, NULL, 0),
    ('switched off', NULL, NULL, false, '1d', '2026-03-01', NULL, NULL, 0),
    ('blocked', NULL, NULL, true, '1d', '2026-03-01', true, NULL, 0),
    ('over', NULL, NULL, true, '1d', '2026-03-01', NULL, '2026-03-02', 0),
    ('odd', NULL, NULL, true, 'sometimes', '2026-03-01', NULL, NULL, 0);
"""
NAMES = {"due", "never yet", "later", "switched off", "blocked", "over", "odd"}


class Post(KeyCourier):
    """Keeps what it is to deliver; what `is_open` says is whether it arrives."""

    def __init__(self) -> None:
        super().__init__(None, None)
        self.is_open = True
        self.delivered: list[NewSecret] = []

    def reaches(self, user_email: str | None) -> bool:
        return True

    async def deliver(self, new: NewSecret) -> bool:
        if self.is_open:
            self.delivered.append(new)
        return self.is_open


@pytest.fixture
async def bound(database: Database) -> AsyncIterator[Database]:
    former = [table._meta._db for table in TABLES]
    database.bind(TABLES)
    async with database.acquire() as connection:
        await connection.execute(KEYS)
    yield database
    for table, engine in zip(TABLES, former, strict=True):
        table._meta._db = engine


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def make(bound: Database, post: Post, clock: FakeClock) -> Callable[..., KeyRotations]:
    covers, audit = ModelLists().covers, AuditTrail(bound)
    seal = Seal(Secret("sk-salt-of-the-tests-0123456789"))
    options = ServiceOptions(covers=covers, newcomers=NewcomerDefaults({}, {}), seal=seal)
    keys = KeyService(bound, clock, KeyDefaults({}, {}), covers)
    services = build_services(bound, clock, keys, ResetCalendar(), options, audit)

    def build(settings: KeyRotationSettings = ENABLED) -> KeyRotations:
        return KeyRotations(bound, services.key_moves, post, clock, settings)

    return build


async def tokens(database: Database) -> set[str]:
    rows = await database.fetch('SELECT token FROM "LiteLLM_VerificationToken"')
    return {row["token"] for row in rows} & NAMES


async def row_of(database: Database, token: str) -> Any:
    return await database.fetch_row('SELECT * FROM "LiteLLM_VerificationToken" WHERE token = $1', token)


async def test_keys_whose_time_has_come_get_another_secret(make, bound: Database, post: Post, lease: Lease):
    rotations = make()
    next_seconds = await rotations.run(lease)
    assert await tokens(bound) == NAMES - {"due", "never yet"}
    assert rotations.rotations == 2
    assert next_seconds == 30 * 60
    (new,) = (one for one in post.delivered if one.key_alias == "due")
    assert new.old_key_valid_until == NOW + timedelta(hours=1)
    row = await row_of(bound, hash_token(new.secret.reveal()))
    assert (row["spend"], row["rotation_count"], row["key_alias"]) == (1.5, 1, "due")
    naive = NOW.replace(tzinfo=None)
    assert (row["last_rotation_at"], row["key_rotation_at"]) == (naive, naive + timedelta(days=30))
    old = await bound.fetch_row("""SELECT * FROM "LiteLLM_DeprecatedVerificationToken" WHERE token = 'due'""")
    assert (old["active_token_id"], old["revoke_at"]) == (new.token, naive + timedelta(hours=1))
    sql = 'SELECT changed_by FROM "LiteLLM_AuditLog" WHERE object_id = $1 AND action = $2'
    assert await bound.fetch_value(sql, new.token, "rotated") == "job:litellm_key_rotation_job"


async def test_a_key_that_nobody_can_be_told_of_keeps_its_secret(
    make, bound: Database, post: Post, lease: Lease
):
    post.is_open = False
    rotations = make()
    await rotations.run(lease)
    assert await tokens(bound) == NAMES
    assert (rotations.rotations, rotations.unreachable) == (0, 2)
    post.is_open = True
    await rotations.run(lease)
    assert (rotations.rotations, rotations.unreachable) == (2, 0)


async def test_without_a_courier_nothing_rotates(make, bound: Database, post: Post, lease: Lease):
    rotations = make()
    rotations._courier = KeyCourier(None, None)
    await rotations.run(lease)
    assert await tokens(bound) == NAMES


async def test_it_is_off_unless_it_is_switched_on(make, bound: Database, post: Post, lease: Lease):
    assert await make(KeyRotationSettings()).run(lease) is None
    assert (await tokens(bound), post.delivered) == (NAMES, [])


async def test_a_second_run_finds_nothing_due(
    make, bound: Database, post: Post, lease: Lease, clock: FakeClock
):
    rotations = make()
    await rotations.run(lease)
    await rotations.run(lease)
    assert len(post.delivered) == 2
    clock.advance(HOUR)
    await rotations.run(lease)
    assert len(post.delivered) == 3


async def test_who_lost_the_lease_rotates_nothing(make, bound: Database, lease: Lease):
    await bound.execute("UPDATE gatewright.lease SET token = token + 1")
    with pytest.raises(LeaseLostError):
        await make().run(lease)
    assert await tokens(bound) == NAMES


async def test_revoked_secrets_are_forgotten_after_a_week(make, bound: Database, lease: Lease):
    sql = """INSERT INTO "LiteLLM_DeprecatedVerificationToken" (id, token, active_token_id, revoke_at)
             VALUES ('1', 'long ago', 'x', '2026-03-01'), ('2', 'lately', 'x', '2026-03-09')"""
    await bound.execute(sql)
    await make(KeyRotationSettings()).run(lease)
    rows = await bound.fetch('SELECT token FROM "LiteLLM_DeprecatedVerificationToken"')
    assert [row["token"] for row in rows] == ["lately"]
