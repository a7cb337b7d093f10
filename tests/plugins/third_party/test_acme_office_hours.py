"""What a plugin's own tests look like."""

import pytest
from acme_office_hours import OfficeHours

from gateway.domain import Role
from gateway.errors import PermissionDenied, PluginError
from gateway.testing import FakeClock, load_plugin, make_context, make_principal

MIDNIGHT = 1_700_006_400_000_000_000  # 2023-11-15T00:00:00Z


async def test_requests_are_answered_during_office_hours_only() -> None:
    clock = FakeClock(MIDNIGHT)
    hooks = load_plugin(OfficeHours(OfficeHours.Settings(opens=9, closes=17), clock))

    with pytest.raises(PermissionDenied, match="from 9 to 17"):
        await hooks.authorize(make_context())

    clock.advance(seconds=10 * 3600)
    await hooks.authorize(make_context())


async def test_administrators_may_always_call() -> None:
    hooks = load_plugin(OfficeHours, {"opens": 0, "closes": 0})

    await hooks.authorize(make_context(principal=make_principal(role=Role.PROXY_ADMIN)))


def test_hours_in_the_wrong_order_stop_the_boot() -> None:
    with pytest.raises(PluginError, match="in this order"):
        load_plugin(OfficeHours, {"opens": 17, "closes": 9})
