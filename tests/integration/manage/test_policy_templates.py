"""Templates of policies: listed, filled in, tried out, and stored as they are shown."""

from typing import Any

import pytest

from gateway.guardrails.kinds import Kinds
from gateway.guardrails.policies.templates import TEMPLATES, list_templates
from gateway.settings.stored import read_stored_guardrail
from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")

CARD = "my card is 4111 1111 1111 1111"


async def test_every_template_can_be_stored_as_it_is_shown(desk: Desk) -> None:
    shown = await desk.get("/policy/templates")
    assert [one["id"] for one in shown] == [template.id for template in TEMPLATES]
    for one in shown:
        names = [definition["guardrail_name"] for definition in one["guardrailDefinitions"]]
        assert one["guardrails"] == one["templateData"]["guardrails_add"] == names
        for definition in one["guardrailDefinitions"]:
            sent = definition | {"litellm_params": definition["litellm_params"] | _filled(one)}
            Kinds().build(read_stored_guardrail(sent, "g", {}))


def _filled(template: dict[str, Any]) -> dict[str, Any]:
    return {"competitors": ["Acme"]} if template["parameter"] else {}


async def test_a_gateway_without_the_guardrails_offers_no_template() -> None:
    assert list_templates({"pii"}) == [one for one in TEMPLATES if one.kinds == {"pii"}]


async def test_a_template_is_tried_out_and_suggested(desk: Desk) -> None:
    found = {one["id"]: one for one in await desk.get("/policy/templates")}
    definitions = [
        *found["payment-data"]["guardrailDefinitions"],
        *found["personal-data"]["guardrailDefinitions"],
    ]
    tried = await desk.post("/policy/templates/test", {"guardrail_definitions": definitions, "text": CARD})
    assert tried["overall_action"] == "blocked"
    blocked, masked = tried["results"]
    assert (blocked["action"], blocked["output_text"]) == ("blocked", "")
    assert (masked["action"], masked["output_text"]) == ("masked", "my card is <CREDIT_CARD>")
    tried = await desk.post("/policy/templates/test", {"guardrail_definitions": definitions, "text": "hello"})
    assert (tried["overall_action"], tried["results"][0]["output_text"]) == ("passed", "hello")

    sent: dict[str, Any] = {"description": "Do not praise competitors.", "attack_examples": ["hi", CARD]}
    suggested = await desk.post("/policy/templates/suggest", sent)
    assert {one["template_id"] for one in suggested["selected_templates"]} == {
        *("personal-data", "payment-data", "competitors"),
    }
    assert "blocked" in str(suggested["selected_templates"])


async def test_what_a_template_leaves_open_is_filled_in(desk: Desk) -> None:
    path = "/policy/templates/enrich"
    sent: dict[str, Any] = {"template_id": "competitors", "parameters": {}, "competitors": ["Acme"]}
    found = await desk.post(path, sent)
    assert found["guardrailDefinitions"][0]["litellm_params"]["competitors"] == ["Acme"]
    assert found["competitors"] == ["Acme"]
    assert (await desk.refusal(path, sent | {"competitors": None}))[2] == "competitors"
    assert (await desk.refusal(path, sent | {"template_id": "nothing"}))[0] == 404
    wrong = {"template_id": "competitors", "parameters": {"competitors": "Acme"}}
    assert (await desk.refusal(path, wrong))[0] == 400


async def test_what_cannot_be_tried_and_who_may_not(desk: Desk, live: LiveGateway) -> None:
    path, wrong = "/policy/templates/test", {"guardrail_name": "x", "litellm_params": {"guardrail": "none"}}
    assert (await desk.refusal(path, {"guardrail_definitions": [wrong], "text": "a"}))[0] == 400
    many = {"guardrail_definitions": [wrong] * 51, "text": "a"}
    assert (await desk.refusal(path, many))[2] == "guardrail_definitions"
    examples = {"description": "x", "attack_examples": ["a"] * 21}
    assert (await desk.refusal("/policy/templates/suggest", examples))[2] == "attack_examples"
    key = await live.make_key()
    assert (await desk.ask("GET", "/policy/templates", key)).status_code == 401
    for name in ("enrich", "suggest", "test"):
        assert (await desk.ask("POST", f"/policy/templates/{name}", key, json={})).status_code == 401
