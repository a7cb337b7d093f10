"""What a worker tells administrators of itself, and what it tells nobody."""

import pytest

from tests.integration.counting import heard
from tests.integration.manage.conftest import Desk
from tests.integration.serving import MASTER_KEY

pytestmark = pytest.mark.asyncio(loop_scope="session")

_UNOFFERED = (
    *(("GET", path) for path in ("/debug/memory/details", "/debug/report", "/otel-spans")),
    ("GET", "/memory-usage-in-mem-cache-items"),
    ("POST", "/debug/memory/gc/configure"),
    ("POST", "/lazy/warm/anything"),
)


async def test_counts_are_shown_and_nothing_that_is_counted(desk: Desk) -> None:
    user_id, key = await desk.make_user()
    await heard(desk.live)
    await desk.live.chat(key)
    summary = await desk.ask("GET", "/debug/memory/summary")
    tasks = await desk.ask("GET", "/debug/asyncio-tasks")
    counts = await desk.get("/memory-usage-in-mem-cache")

    assert summary.json()["caches"]["virtual_keys"] >= 1
    assert counts["num_items_in_user_api_key_cache"] >= 1
    told = tasks.json()
    assert told["total_active_tasks"] >= sum(told["by_name"].values()) > 0
    for secret in (key, user_id, MASTER_KEY):
        assert secret not in summary.text + tasks.text


async def test_the_inside_of_the_process_is_shown_to_nobody(desk: Desk) -> None:
    _, user = await desk.make_user()
    _, watcher = await desk.make_user("proxy_admin_viewer")

    told = {
        (who, (await desk.ask(method, path, key)).status_code)
        for method, path in _UNOFFERED
        for who, key in (("admin", MASTER_KEY), ("user", user), ("watcher", watcher))
    }
    answer = await desk.ask("GET", "/debug/memory/details")

    assert told == {("admin", 403), ("user", 401), ("watcher", 401)}
    assert answer.json()["error"]["type"] == "not_offered"
    assert "/debug/memory/summary" in answer.json()["error"]["message"]
