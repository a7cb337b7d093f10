"""Discounts and margins change what requests cost, within a second."""

import pytest

from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import LiveGateway, deployment, eventually
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

DISCOUNTS, MARGINS = "/config/cost_discount_config", "/config/cost_margin_config"


async def spent(live: LiveGateway) -> int:
    """What one request costs, in nano-dollars."""
    key = await live.make_key()
    live.upstream.script.append(replies.ok(usage={"prompt_tokens": 100, "completion_tokens": 10}))
    assert (await live.chat(key, model="priced")).status_code == 200
    return await live.spent_nanos(key)


async def test_requests_cost_what_the_terms_say(desk: Desk, live: LiveGateway, clean_config: None) -> None:
    prices = {"input_cost_per_token": 0.00001, "output_cost_per_token": 0.00002}
    live.configure(deployment("priced", live.upstream, **prices))
    litellm = lambda: live.gateway.snapshot.settings.litellm  # noqa: E731  asked again and again
    plain = await spent(live)
    changed = await desk.patch(DISCOUNTS, {"openai": 0.25})
    await eventually(lambda: litellm().cost_discounts == {"openai": 250_000})
    discounted = await spent(live)
    await desk.patch(MARGINS, {"global": 5, "openai": {"percentage": 0.1, "fixed_amount": 0.001}})
    await eventually(lambda: "openai" in litellm().cost_margins)
    with_margin = await spent(live)
    shown = [await desk.get(path) for path in (DISCOUNTS, MARGINS)]
    cleared = await desk.patch(DISCOUNTS, {})
    await eventually(lambda: litellm().cost_discounts == {})
    without_discount = await spent(live)

    assert plain == 1_200_000
    assert discounted == 900_000
    assert with_margin == 990_000 + 1_000_000
    assert without_discount == 1_320_000 + 1_000_000
    assert (changed["status"], changed["values"], cleared["values"]) == ("success", {"openai": 0.25}, {})
    assert shown == [
        {"values": {"openai": 0.25}},
        {"values": {"global": 5.0, "openai": {"percentage": 0.1, "fixed_amount": 0.001}}},
    ]


async def test_a_change_is_audited(desk: Desk, clean_config: None) -> None:
    await desk.patch(DISCOUNTS, {"openai": 0.5, "azure": None})
    [entry] = (await desk.get("/audit", object_id="litellm_settings", page_size=1))["audit_logs"]

    assert entry["updated_values"] == {"cost_discount_config": {"openai": 0.5}}


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        (DISCOUNTS, {"openai": 1.5}, "litellm_settings.cost_discount_config.openai"),
        (DISCOUNTS, {"openai": -0.5}, "litellm_settings.cost_discount_config.openai"),
        (MARGINS, {"openai": -1}, "litellm_settings.cost_margin_config.openai"),
        (
            MARGINS,
            {"global": {"fixed_amount": -1}},
            "litellm_settings.cost_margin_config.global.fixed_amount",
        ),
    ],
)
async def test_what_is_no_share_is_refused_whole(
    desk: Desk, clean_config: None, path: str, body: dict[str, object], param: str
) -> None:
    error = (await desk.patch(path, {"azure": 0.1, **body}, status=400))["error"]

    assert error["param"] == param
    assert await desk.value("""SELECT count(*) FROM "LiteLLM_Config" WHERE param_value <> '{}'""") == 0


async def test_a_provider_that_is_not_served_is_named_as_ignored(desk: Desk, clean_config: None) -> None:
    answer = await desk.ask("PATCH", DISCOUNTS, json={"vertex_ai": 0.1, "text-completion-openai": 0.2})

    assert answer.json()["values"] == {"text-completion-openai": 0.2}
    assert answer.headers["x-gatewright-ignored-fields"] == "vertex_ai"


async def test_a_wrong_type_names_the_provider(desk: Desk) -> None:
    answer = await desk.patch(DISCOUNTS, {"openai": "much"}, status=422)

    assert answer["detail"][0]["loc"] == ["body", "openai"]


@pytest.mark.parametrize(("role", "seen"), [("internal_user", 401), ("proxy_admin_viewer", 200)])
async def test_viewers_look_and_only_admins_change(desk: Desk, role: str, seen: int) -> None:
    _, key = await desk.make_user(role)
    for path in (DISCOUNTS, MARGINS):
        assert (await desk.ask("GET", path, key)).status_code == seen
        assert (await desk.ask("PATCH", path, key, json={})).status_code == 401


async def test_statements_are_counted(desk: Desk, clean_config: None) -> None:
    for path in (DISCOUNTS, MARGINS):
        assert await statements(desk, "GET", path) == 0
        assert await statements(desk, "PATCH", path, json={"openai": 0.1}) == 6
