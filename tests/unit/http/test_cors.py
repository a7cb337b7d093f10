import pytest
from litestar.config.cors import CORSConfig

from gateway.http.cors import with_cors

OURS = "https://app.example"


async def ask(config: CORSConfig | None, method: str = "POST", **headers: str) -> dict[str, str]:
    """The status and headers that come back from an application that answers 200."""

    async def app(_scope, _receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"1")]})
        await send({"type": "http.response.body", "body": b""})

    sent: list[dict[str, object]] = []

    async def send(message) -> None:
        sent.append(message)

    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    await with_cors(app, config)({"type": "http", "method": method, "headers": pairs}, None, send)
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return {"status": str(sent[0]["status"]), **found}


PREFLIGHT = {"origin": OURS, "access_control_request_method": "POST"}


async def test_a_request_without_an_origin_is_left_alone() -> None:
    assert await ask(CORSConfig(allow_origins=["*"])) == {"status": "200", "x": "1"}


async def test_a_preflight_request_is_answered_for_any_header() -> None:
    answer = await ask(
        CORSConfig(allow_origins=["*"]),
        "OPTIONS",
        access_control_request_headers="authorization, x-stainless-os",
        **PREFLIGHT,
    )
    assert answer["status"] == "204"
    assert answer["access-control-allow-origin"] == "*"
    assert answer["access-control-allow-headers"] == "authorization, x-stainless-os"


@pytest.mark.parametrize("method", ["OPTIONS", "POST"])
async def test_a_foreign_origin_gets_no_permission(method: str) -> None:
    asked = {**PREFLIGHT, "origin": "https://evil.example"}
    answer = await ask(CORSConfig(allow_origins=[OURS]), method, **asked)
    assert "access-control-allow-origin" not in answer
    assert answer["vary"] == "Origin"


async def test_an_allowed_origin_is_named_in_the_answer() -> None:
    answer = await ask(CORSConfig(allow_origins=[OURS]), origin=OURS)
    assert (answer["status"], answer["access-control-allow-origin"], answer["vary"]) == (
        "200",
        OURS,
        "Origin",
    )


async def test_options_that_is_no_preflight_reaches_the_application() -> None:
    assert (await ask(CORSConfig(allow_origins=["*"]), "OPTIONS", origin=OURS))["status"] == "200"


async def test_without_a_configuration_nothing_is_wrapped() -> None:
    assert "access-control-allow-origin" not in await ask(None, origin=OURS)
