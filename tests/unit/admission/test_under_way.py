"""Requests by their age."""

from gateway.admission.under_way import UnderWay
from gateway.ids import charge_millis, new_charge_id


async def test_the_requests_that_came_before_a_time_are_listed_oldest_first() -> None:
    under_way = UnderWay()
    old, newer = "00000000-0001-7000-8000-000000000000", "00000000-0002-7000-8000-000000000000"
    for charge_id in (old, newer, new_charge_id()):
        under_way.begin(charge_id)
    assert [charge_millis(one) for one in (old, newer)] == [1, 2]
    assert under_way.list_before(1) == []
    assert under_way.list_before(2) == [old]
    assert under_way.list_before(3) == [old, newer]
    under_way.end(old)
    assert under_way.list_before(3) == [newer]
