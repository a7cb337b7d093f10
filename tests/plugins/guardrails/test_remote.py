"""Guardrails that ask services, against a server that speaks the documented protocols from golden files.

A golden file names the page that documents its protocol. A case has what is inspected, what the service is
asked and what it answers, and what becomes of that.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from inspect import isawaitable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from gateway_guardrails.remote import RemoteError

from gateway.guardrails.kinds import Kinds
from gateway.sdk import (
    PASSED,
    Content,
    Direction,
    Guardrail,
    GuardrailCall,
    Piece,
    PieceKind,
    ToolUse,
    Verdict,
)
from gateway.settings.guardrails import GuardrailEntry, GuardrailMode
from gateway.testing import edit_texts
from tests.upstreams import Upstream, replies

GOLDEN = Path(__file__).parent / "golden"
ADDRESSES = {
    "bedrock": "aws_bedrock_runtime_endpoint",
    "model_armor": "api_endpoint",
    "presidio": "presidio_analyzer_api_base",
}
"""What the parameter is called that says where the service is; of all others `api_base`."""


def list_cases() -> list[Any]:
    return [
        pytest.param(path.stem.replace("-", "/"), case, id=f"{path.stem}: {case['name']}")
        for path in sorted(GOLDEN.glob("*.json"))
        for case in json.loads(path.read_text("utf-8"))["cases"]
    ]


def test_every_protocol_says_where_it_is_documented() -> None:
    sources = [json.loads(path.read_text("utf-8"))["source"] for path in GOLDEN.glob("*.json")]
    assert len(sources) == len(set(sources))
    assert all(source.startswith("https://") for source in sources)


def build(kind: str, **params: Any) -> Guardrail:
    modes = frozenset({GuardrailMode.PRE_CALL})
    return Kinds().build(GuardrailEntry(name="g", kind=kind, modes=modes, params=params))


async def inspect(guardrail: Guardrail, case: dict[str, Any]) -> Verdict:
    pieces = tuple(
        Piece(path=f"messages[{place}].content", **({"role": "user"} | said))
        for place, text in enumerate(case["texts"])
        for said in [
            {**text, "kind": PieceKind(text.get("kind", "text"))}
            if isinstance(text, dict)
            else {"text": text}
        ]
    )
    if case["direction"] == "response":
        pieces = tuple(msgspec.structs.replace(piece, role="") for piece in pieces)
    call = GuardrailCall(guardrail="g", **case.get("call", {}))
    tools = tuple(ToolUse(path="somewhere", **tool) for tool in case.get("tools", ()))
    content = Content(Direction(case["direction"]), pieces, tools, case.get("members", {}))
    said = guardrail.inspect(content, call)
    return (await said if isawaitable(said) else said) or PASSED


@pytest_asyncio.fixture
async def service() -> AsyncIterator[Upstream]:
    async with Upstream() as running:
        yield running


@pytest.mark.parametrize(("kind", "case"), list_cases())
async def test_a_golden_case(service: Upstream, kind: str, case: dict[str, Any]) -> None:
    guardrail = build(kind, **{ADDRESSES.get(kind, "api_base"): service.origin}, **case["params"])
    service.script += [
        replies.raw(
            one["status"], json.dumps(one["answer"]).encode(), {"location": f"{service.origin}/inner"}
        )
        for one in case["asked"]
    ]
    expected = case["expect"]
    if "error" in expected:
        with pytest.raises(RemoteError) as caught:
            await inspect(guardrail, case)
        assert str(caught.value) == expected["error"]
        return
    verdict = await inspect(guardrail, case)
    assert [(one.path, one.json) for one in service.requests] == [
        (one["path"], one["body"]) for one in case["asked"]
    ]
    for seen, one in zip(service.requests, case["asked"], strict=True):
        for name, value in one.get("headers", {}).items():
            assert seen.headers[name].startswith(value)
    texts = [text if isinstance(text, str) else text["text"] for text in case["texts"]]
    assert verdict.refusal == expected.get("refusal")
    assert edit_texts(verdict, *texts) == expected.get("texts", texts)
    assert list(verdict.categories) == expected.get("categories", [])
    assert verdict.masked == expected.get("masked", {})
    assert verdict.score == expected.get("score")
    assert "secret-key" not in repr(guardrail)


GENERIC = {"texts": ["x"], "direction": "request"}


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (replies.raw(200, b"{"), "its service answered something else than its protocol says"),
        (
            replies.raw(200, b'{"action": "NONE", "padding": "' + b"x" * 9_000_000 + b'"}'),
            "answered more than",
        ),
        (replies.reset(), "its service cannot be asked"),
        (replies.short_body(), "its service cannot be asked"),
    ],
)
async def test_a_service_that_says_nothing_usable(service: Upstream, reply: Any, message: str) -> None:
    guardrail = build("generic_guardrail_api", api_base=service.origin)
    service.script.append(reply)
    with pytest.raises(RemoteError, match=message) as caught:
        await inspect(guardrail, GENERIC)
    assert str(service.port) not in str(caught.value)


async def test_a_service_that_is_not_there() -> None:
    guardrail = build("generic_guardrail_api", api_base="http://127.0.0.1:9/below")
    with pytest.raises(RemoteError, match="cannot be asked"):
        await inspect(guardrail, GENERIC)


async def test_a_call_that_nobody_waits_for_is_stopped(service: Upstream) -> None:
    guardrail = build("generic_guardrail_api", api_base=service.origin)
    service.script.append(replies.never())
    with pytest.raises(RemoteError, match="cannot be asked"):
        await inspect(guardrail, {**GENERIC, "call": {"deadline_seconds": 0.05}})
    await asyncio.wait_for(service.hung_up.wait(), 5)


async def test_images_are_sent_and_changed(service: Upstream) -> None:
    guardrail = build("generic_guardrail_api", api_base=f"{service.origin}/")
    answer = {"action": "GUARDRAIL_INTERVENED", "images": ["data:image/png;base64,BB"]}
    service.script.append(replies.raw(200, json.dumps(answer).encode()))
    case = {**GENERIC, "texts": [{"text": "look"}, {"text": "data:image/png;base64,AA", "kind": "media"}]}
    verdict = await inspect(guardrail, case)
    assert edit_texts(verdict, "look", "data:image/png;base64,AA") == ["look", "data:image/png;base64,BB"]
    assert service.requests[0].json["images"] == ["data:image/png;base64,AA"]


async def test_long_texts_go_to_azure_in_parts_that_overlap(service: Upstream) -> None:
    guardrail = build("azure/text_moderations", api_base=service.origin, api_key="k")
    service.default = replies.raw(200, b'{"categoriesAnalysis": [], "blocklistsMatch": []}')
    text = "".join(chr(97 + at % 26) for at in range(25_000))
    assert (await inspect(guardrail, {**GENERIC, "texts": [text]})).refusal is None
    parts = [seen.json["text"] for seen in service.requests]
    assert max(map(len, parts)) <= 10_000
    assert parts[0] + parts[1][500:] + parts[2][500:] == text


async def test_presidio_without_an_analyzer_is_the_built_in_one() -> None:
    verdict = await inspect(build("presidio"), {**GENERIC, "texts": ["write to ann@example.com"]})
    assert edit_texts(verdict, "write to ann@example.com") == ["write to <EMAIL_ADDRESS>"]


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("generic_guardrail_api", {"api_base": "ftp://x"}),
        ("generic_guardrail_api", {"api_base": "https://user:password@x"}),
        ("generic_guardrail_api", {}),
        ("bedrock", {"guardrailIdentifier": "a", "aws_access_key_id": "b"}),
        ("model_armor", {"template_id": "t", "project_id": "p"}),
        ("model_armor", {"template_id": "t", "project_id": "p", "credentials": "{}"}),
        ("openai_moderation", {"api_key": "k", "thresholds": {"hate": 2}}),
        ("azure/text_moderations", {"api_base": "https://x", "api_key": "k", "severity_threshold": 9}),
        ("presidio", {"pii_entities_config": {"NOBODY_FINDS_IT": "MASK"}}),
    ],
)
def test_wrong_parameters_stop_the_boot(kind: str, params: dict[str, Any]) -> None:
    with pytest.raises(
        Exception, match=r"litellm_params|address|needed|belong|threshold|severity|entity|account"
    ):
        build(kind, **params)
