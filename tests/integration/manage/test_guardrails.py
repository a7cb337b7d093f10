"""The list of guardrails, and trying one out."""

import json
from typing import Any

import pytest

from gateway.inventory.guardrails.rules import mask_guardrail
from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway, deployment, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = "AKIAIOSFODNN7EXAMPLE"
CONFIGURED = [
    {
        "guardrail_name": "words",
        "litellm_params": {
            "guardrail": "keywords",
            "mode": ["pre_call", "post_call"],
            "blocked_words": [{"keyword": "aurora"}, {"keyword": "borealis", "action": "MASK"}],
        },
        "guardrail_info": {"owner": "security"},
    },
    {"guardrail_name": "secrets", "litellm_params": {"guardrail": "secret_detection", "mode": "pre_call"}},
]


@pytest.fixture(autouse=True)
def configured(live: LiveGateway) -> None:
    live.configure(deployment("m", live.upstream), guardrails=CONFIGURED)


@pytest.mark.parametrize("path", ["/guardrails/list", "/v2/guardrails/list"])
async def test_the_list_shows_what_is_set_up(desk: Desk, path: str) -> None:
    words, secrets = (await desk.get(path))["guardrails"]
    assert words["guardrail_name"] == "words"
    assert words["litellm_params"]["mode"] == ["post_call", "pre_call"]
    assert words["litellm_params"]["blocked_words"][0]["keyword"] == "aurora"
    assert words["guardrail_info"] == {"owner": "security"}
    assert secrets["litellm_params"] == {
        "guardrail": "secret_detection",
        "mode": ["pre_call"],
        "default_on": False,
    }


async def test_who_may_not_configure_sees_names_only(desk: Desk, live: LiveGateway) -> None:
    shown = await desk.get("/guardrails/list", key=await live.make_key())
    assert "aurora" not in str(shown)
    assert [item["guardrail_name"] for item in shown["guardrails"]] == ["words", "secrets"]


@pytest.mark.parametrize("path", ["/guardrails/apply_guardrail", "/apply_guardrail"])
async def test_a_guardrail_is_tried_out(desk: Desk, path: str) -> None:
    sent = {"guardrail_name": "secrets", "text": f"key {SECRET}"}
    assert await desk.post(path, sent) == {"response_text": "key [REDACTED:aws_access_key_id]"}
    sent = {"guardrail_name": "words", "text": "Borealis", "input_type": "response"}
    assert await desk.post(path, sent) == {"response_text": "[KEYWORD_REDACTED]"}


async def test_a_trial_that_blocks_or_cannot_be_made_says_so(desk: Desk, live: LiveGateway) -> None:
    path = "/guardrails/apply_guardrail"
    assert (await desk.refusal(path, {"guardrail_name": "words", "text": "aurora"}))[:2] == (
        400,
        "guardrail_blocked",
    )
    assert await desk.refusal(path, {"guardrail_name": "x", "text": "a"}) == (
        404,
        "not_found_error",
        "guardrail_name",
    )
    assert (await desk.ask("POST", path, json={"guardrail_name": "words"})).status_code == 422
    key = await live.make_key()
    assert (
        await desk.ask("POST", path, key, json={"guardrail_name": "words", "text": "a"})
    ).status_code == 401


WORDS = {"guardrail": "keywords", "mode": "pre_call", "blocked_words": [{"keyword": "zeppelin"}]}


def body_of(name: str, **params: object) -> dict[str, Any]:
    return {"guardrail": {"guardrail_name": name, "litellm_params": {**WORDS, **params}}}


async def says(live: LiveGateway, key: str, text: str, **members: object) -> int:
    answer = await live.chat(key, messages=[{"role": "user", "content": text}], **members)
    return answer.status_code


async def until_known(live: LiveGateway, name: str, *, is_there: bool = True) -> None:
    known = lambda: name in {item.entry.name for item in live.gateway.snapshot.core.guardrails}  # noqa: E731  asked again
    await eventually(lambda: known() is is_there)


async def test_a_guardrail_of_the_database_lives(desk: Desk, live: LiveGateway) -> None:
    key = await live.make_key()
    made = await desk.post("/guardrails", body_of("stored", api_key_unused=None))
    identifier = made["guardrail_id"]
    await until_known(live, "stored")
    assert await says(live, key, "a zeppelin", guardrails=["stored"]) == 400
    assert await says(live, key, "a balloon", guardrails=["stored"]) == 200

    sent = {"litellm_params": {"blocked_words": [{"keyword": "balloon"}]}, "guardrail_info": {"a": 1}}
    changed = await desk.patch(f"/guardrails/{identifier}", sent)
    assert (changed["guardrail_info"], changed["litellm_params"]["guardrail"]) == ({"a": 1}, "keywords")
    await eventually(lambda: "balloon" in str(live.gateway.snapshot.core.guardrails[-1].entry.params))
    assert await says(live, key, "a zeppelin", guardrails=["stored"]) == 200
    assert await says(live, key, "a balloon", guardrails=["stored"]) == 400

    for path in (f"/guardrails/{identifier}", f"/guardrails/{identifier}/info"):
        shown = await desk.get(path)
        assert (shown["guardrail_name"], shown["guardrail_definition_location"]) == ("stored", "db")
    listed = {item["guardrail_name"]: item for item in (await desk.get("/guardrails/list"))["guardrails"]}
    assert listed["stored"]["guardrail_id"] == identifier
    assert listed["words"]["guardrail_definition_location"] == "config"

    answer = await desk.ask("PUT", f"/guardrails/{identifier}", json=body_of("renamed"))
    assert answer.json()["guardrail_name"] == "renamed"
    await until_known(live, "renamed")
    answer = await desk.ask("DELETE", f"/guardrails/{identifier}")
    assert answer.status_code == 200
    await until_known(live, "renamed", is_there=False)
    assert await says(live, key, "a zeppelin", guardrails=["renamed"]) == 400
    entries = (await desk.get("/audit", object_id=identifier))["audit_logs"]
    assert [entry["action"] for entry in entries] == ["deleted", "updated", "updated", "created"]


@pytest.mark.parametrize(("method", "path"), [("POST", ""), ("PUT", "/some"), ("PATCH", "/some")])
async def test_what_would_never_run_is_not_stored(
    desk: Desk, live: LiveGateway, method: str, path: str
) -> None:
    live.configure(deployment("m", live.upstream), general_settings={"store_model_in_db": False})
    sent = {"guardrail_info": {}} if method == "PATCH" else body_of("unread")
    answer = await desk.ask(method, f"/guardrails{path}", json=sent)
    assert answer.status_code == 400
    assert "store_model_in_db" in answer.text


async def test_everybodys_guardrail_runs_at_once_and_stops_at_once(desk: Desk, live: LiveGateway) -> None:
    key = await live.make_key()
    made = await desk.post("/guardrails", body_of("all", default_on=True))
    await until_known(live, "all")
    assert await says(live, key, "a zeppelin") == 400
    await desk.ask("DELETE", f"/guardrails/{made['guardrail_id']}")
    await until_known(live, "all", is_there=False)
    assert await says(live, key, "a zeppelin") == 200


async def test_a_row_that_cannot_be_set_up_refuses_what_it_should_inspect(
    desk: Desk, live: LiveGateway
) -> None:
    """As after a kind was uninstalled, or a key lost."""
    key = await live.make_key()
    insert = """
        INSERT INTO "LiteLLM_GuardrailsTable" (guardrail_id, guardrail_name, litellm_params, updated_at)
        VALUES ('broken', 'broken', $1::text::jsonb, now())"""
    params = {"guardrail": "uninstalled", "mode": "pre_call", "default_on": True}
    await desk.run(insert, json.dumps(params))
    live.gateway.parts.added.note_change()
    try:
        await until_known(live, "broken")
        answer = await live.chat(key)
        assert (answer.status_code, answer.json()["error"]["guardrail"]) == (503, "broken")
    finally:
        await desk.run("DELETE FROM \"LiteLLM_GuardrailsTable\" WHERE guardrail_id = 'broken'")
        live.gateway.parts.added.note_change()
        await until_known(live, "broken", is_there=False)


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        (body_of("words"), 409, "guardrail_name"),
        (body_of("bad", guardrail="nobodys"), 400, "guardrail.litellm_params.guardrail"),
        (body_of("bad", mode="never"), 400, "guardrail.litellm_params.mode"),
        (body_of("bad", blocked_words=[]), 400, None),
        (body_of("bad", blocked_wordz=[]), 400, None),
        (body_of(""), 400, "guardrail_name"),
        (body_of("bad", deadline_seconds=0), 400, "guardrail.litellm_params.deadline_seconds"),
        ({"guardrail": {**body_of("bad")["guardrail"], "guardrail_id": "x" * 10_000}}, 400, "guardrail_id"),
        ({"guardrail": {"guardrail_name": "x"}}, 422, None),
    ],
)
async def test_what_cannot_be_is_refused(desk: Desk, body: object, status: int, param: str | None) -> None:
    answer = await desk.ask("POST", "/guardrails", json=body)
    assert answer.status_code == status, answer.text
    if param is not None:
        assert answer.json()["error"]["param"] == param
    rows = await desk.value("SELECT count(*) FROM \"LiteLLM_GuardrailsTable\" WHERE guardrail_name = 'bad'")
    assert rows == 0


async def test_unknown_ids_and_callers_without_right(desk: Desk, live: LiveGateway) -> None:
    key = await live.make_key()
    for method, path, body in (
        ("GET", "/guardrails/none", None),
        ("GET", "/guardrails/none/info", None),
        ("PUT", "/guardrails/none", body_of("x")),
        ("PATCH", "/guardrails/none", {}),
        ("DELETE", "/guardrails/none", None),
    ):
        assert (await desk.ask(method, path, json=body)).status_code == 404
        assert (await desk.ask(method, path, key, json=body)).status_code == 401


async def test_secrets_are_encrypted_and_shown_masked(desk: Desk) -> None:
    """No guardrail that is installed here has a secret yet: the service is asked itself."""
    service = desk.live.gateway.parts.inventory.guardrails
    closed = service._close({"api_key": "hush-hush-hush", "mode": "pre_call"})
    assert closed["mode"] == "pre_call"
    assert "hush" not in str(closed)
    assert service._open(closed) == {"api_key": "hush-hush-hush", "mode": "pre_call"}
    assert "hush" not in str(mask_guardrail({"api_key": "hush-hush-hush", "subscription_key": "hush"}))
