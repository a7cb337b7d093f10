from datetime import timedelta

from gateway.db.engine import Database
from gateway.db.lease import Lease
from gateway.jobs.old_meters import OldMeters
from gateway.testing import FakeClock
from tests.integration.jobs.conftest import NOW


def milliseconds_before_now(**ago: int) -> int:
    return int((NOW - timedelta(**ago)).timestamp()) * 1_000


async def test_meters_go_a_week_after_their_period(
    database: Database, clock: FakeClock, lease: Lease
) -> None:
    ends = {
        "lasting": 0,
        "present": milliseconds_before_now(hours=-1),
        "fresh": milliseconds_before_now(days=6),
        "old": milliseconds_before_now(days=8),
    }
    for name, end in ends.items():
        sql = "INSERT INTO gatewright.meter VALUES ('key', $1, 'm', '1d', $2, 5)"
        await database.execute(sql, name, end)
    await OldMeters(database, clock).run(lease)
    kept = await database.fetch("SELECT id FROM gatewright.meter")
    assert {row["id"] for row in kept} == {"lasting", "present", "fresh"}
