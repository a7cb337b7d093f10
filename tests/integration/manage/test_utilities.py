"""Questions about models that need no call."""

import json

import httpx
import pytest

from tests.integration.manage.conftest import Desk
from tests.integration.serving import MASTER_KEY, UPSTREAM_KEY, LiveGateway, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")


class TestTokens:
    async def test_a_prompt_is_estimated_as_admission_does(self, desk: Desk, live: LiveGateway):
        key = await live.make_key()
        body = {"model": "m", "messages": [{"role": "user", "content": "Say hello " * 30}]}
        answer = await desk.post("/utils/token_counter", body, key)
        assert 60 < answer["total_tokens"] < 200
        assert (answer["request_model"], answer["model_used"]) == ("m", "real-model")
        assert answer["count_source"] == "estimate"
        longer = await desk.post("/utils/token_counter", body | {"system": "Be brief. " * 30}, key)
        assert longer["total_tokens"] > answer["total_tokens"]
        prompt = await desk.post("/utils/token_counter", {"model": "none", "prompt": "Say hello " * 30}, key)
        assert prompt["total_tokens"] == answer["total_tokens"]
        assert prompt["model_used"] == "none"
        asked = await desk.post("/utils/token_counter?call_endpoint=true", body, key)
        assert (asked["total_tokens"], asked["count_source"]) == (answer["total_tokens"], "estimate")
        assert "estimate" in asked["error_message"]

    async def test_without_a_prompt_it_is_refused(self, desk: Desk):
        assert (await desk.refusal("/utils/token_counter", {"model": "m"}))[::2] == (400, "messages")
        await desk.post("/utils/token_counter", {"prompt": "x"}, status=422)


class TestParams:
    async def test_a_providers_gaps_are_told(self, desk: Desk):
        taken = await desk.get("/utils/supported_openai_params", model="anthropic/claude-sonnet-4-5")
        assert "temperature" in taken["supported_openai_params"]
        assert "logit_bias" not in taken["supported_openai_params"]
        own = await desk.get("/utils/supported_openai_params", model="m")
        assert "logit_bias" in own["supported_openai_params"]
        await desk.get("/utils/supported_openai_params", model="nobody-knows-this", status=400)

    async def test_prices_and_limits_are_told(self, desk: Desk, live: LiveGateway):
        key = await live.make_key()
        info = await desk.get("/utils/model_info", key, model="openai/gpt-4o-mini")
        assert (info["key"], info["litellm_provider"], info["mode"]) == ("gpt-4o-mini", "openai", "chat")
        assert info["input_cost_per_token"] == 1.5e-07
        await desk.get("/utils/model_info", key, model="openai/nobody-knows-this", status=404)


class TestTransform:
    async def test_what_would_be_sent_is_shown_without_credentials(self, desk: Desk, live: LiveGateway):
        live.configure(deployment("m", live.upstream, temperature=0.5))
        body = {
            "call_type": "completion",
            "request_body": {"model": "m", "messages": [], "user": "u", "metadata": {"tags": ["x"]}},
        }
        sent = len(live.upstream.requests)
        shown = await desk.post("/utils/transform_request", body)
        assert shown["raw_request_api_base"].startswith(live.upstream.base_url)
        assert shown["raw_request_body"]["model"] == "real-model"
        assert shown["raw_request_body"]["temperature"] == 0.5
        assert UPSTREAM_KEY not in json.dumps(shown)
        assert len(live.upstream.requests) == sent

    async def test_what_the_operator_adds_is_nothing_for_callers(self, desk: Desk, live: LiveGateway):
        body = {"call_type": "completion", "request_body": {"model": "m", "messages": []}}
        assert (await desk.refusal("/utils/transform_request", body, await live.make_key()))[0] == 401
        live.configure(deployment("m", live.upstream, extra_body={"auth_token": UPSTREAM_KEY}))
        _, viewer = await desk.make_user("proxy_admin_viewer")
        shown = await desk.post("/utils/transform_request", body, viewer)
        assert UPSTREAM_KEY not in json.dumps(shown)

    async def test_what_is_not_served_is_refused(self, desk: Desk, live: LiveGateway):
        body = {"call_type": "completion", "request_body": {"model": "none", "messages": []}}
        assert (await desk.refusal("/utils/transform_request", body))[0] == 404
        body["call_type"] = "image_generation"
        assert (await desk.refusal("/utils/transform_request", body))[::2] == (400, "call_type")


class TestPromptFiles:
    PATH = "/utils/dotprompt_json_converter"

    async def convert(self, desk: Desk, name: str, data: bytes, key: str = MASTER_KEY) -> httpx.Response:
        return await desk.ask("POST", self.PATH, key, files={"file": (name, data)})

    async def test_a_file_becomes_json(self, desk: Desk):
        data = b"---\nmodel: gpt-4o\ninput: {schema: {name: string}}\n---\nHello {{name}}!\n"
        answer = await self.convert(desk, "greeting.prompt", data)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {
            "prompt_id": "greeting",
            "json_data": {
                "content": "Hello {{name}}!",
                "metadata": {"model": "gpt-4o", "input": {"schema": {"name": "string"}}},
            },
        }
        plain = await self.convert(desk, "plain.prompt", b"Hello")
        assert plain.json()["json_data"] == {"content": "Hello", "metadata": {}}

    @pytest.mark.parametrize(
        ("name", "data"),
        [
            ("greeting.txt", b"Hello"),
            ("greeting.prompt", b"---\nmodel: x\nHello"),
            ("greeting.prompt", b"---\n- a\n---\nHello"),
            ("greeting.prompt", b"---\na: [\n---\nHello"),
            ("greeting.prompt", b"---\na: !!python/object:os.system x\n---\nHello"),
            ("greeting.prompt", b"\xff\xfe"),
            ("greeting.prompt", b"x" * (1024 * 1024 + 1)),
        ],
    )
    async def test_a_file_that_is_none_is_refused(self, desk: Desk, name, data):
        answer = await self.convert(desk, name, data)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "file"

    async def test_aliases_do_not_multiply_without_bound(self, desk: Desk):
        lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10))]
        answer = await self.convert(desk, "bomb.prompt", "\n".join(("---", *lines, "---", "x")).encode())
        assert answer.status_code == 400

    async def test_it_is_for_proxy_admins_and_needs_a_form(self, desk: Desk):
        _, key = await desk.make_user()
        assert (await self.convert(desk, "a.prompt", b"x", key)).status_code == 401
        await desk.post(self.PATH, {"file": "x"}, status=422)
        answer = await desk.ask("POST", self.PATH, data={"file": "x"})
        assert answer.status_code == 422
