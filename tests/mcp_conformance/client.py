"""A client for the conformance suite to try out: the SDK's, with the gateway between it and a server.

The suite says where its server is in the last argument, and what is tried out in MCP_CONFORMANCE_SCENARIO. A
gateway is at GATEWAY, with its master key in GATEWAY_KEY; the server is declared there, and the gateway logs
in at it for a user of its own, whose browser this program is.
"""

import asyncio
import json
import os
import re
import sys
import uuid
from typing import Any
from urllib.parse import urlsplit

import httpx2
from mcp import Client, types
from mcp.client.streamable_http import streamable_http_client

ORIGIN, MASTER_KEY = os.environ["GATEWAY"], os.environ["GATEWAY_KEY"]
SCENARIO = os.environ.get("MCP_CONFORMANCE_SCENARIO", "")
CONTEXT: dict[str, Any] = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
REVISION = os.environ.get("MCP_CONFORMANCE_PROTOCOL_VERSION", "")
MODERN = "2026-07-28"
_LOGINS, _PATIENCE = 2, 30
_Calls = list[tuple[str, dict[str, Any]]]
_CALLS: dict[str, _Calls] = {
    "initialize": [],
    "json-schema-ref-no-deref": [],
    "tools_call": [("add_numbers", {"a": 5, "b": 3})],
    "sse-retry": [("test_reconnection", {})],
    "elicitation-sep1034-client-defaults": [("test_client_elicitation_defaults", {})],
    "http-custom-headers": [(one["name"], one["arguments"]) for one in CONTEXT.get("toolCalls", ())],
}
_ALL_TOOLS = frozenset({"http-invalid-tool-headers", "sep-2322-client-request-state"})
_UNTYPED = "test_mrtr_no_result_type"
"""The SDK's client refuses its result: the gateway takes it, for a caller by plain HTTP."""
_ECHO, _ECHOED = "json_schema_echo", "json_schema_2020_12_tool"
_SKIPPED = frozenset({"elicitation-sep1034-client-defaults"})
"""What a caller by plain HTTP cannot do: nobody asks it anything."""
_OWN = frozenset({"auth/client-credentials-basic", "auth/client-credentials-jwt"})
"""Where the gateway asks in its own name."""
_ID_TOKEN: str = CONTEXT.get("idp_id_token", "")
"""By which an identity provider knows the user."""


class Patient(httpx2.AsyncHTTPTransport):
    """Asks again where the gateway's database is busy: the suite has many clients at once."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        for _ in range(_PATIENCE):
            answer = await super().handle_async_request(request)
            if answer.status_code != httpx2.codes.SERVICE_UNAVAILABLE:
                return answer
            await answer.aclose()
            await asyncio.sleep(1)
        return await super().handle_async_request(request)


class Gateway:
    """The gateway, as an administrator and as the user whose key it has got, also by plain HTTP."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http
        self.name = f"c{uuid.uuid4().hex[:12]}"
        self.key = ""

    async def declare(self, url: str) -> None:
        """Serve the suite's server, and have a user who may reach it."""
        auth = {"auth_type": "oauth2", "credentials": _credentials()} if SCENARIO.startswith("auth/") else {}
        if SCENARIO in _OWN or _ID_TOKEN:
            auth |= await self._find_issuer(url)
        body = {"server_name": self.name, "url": url, "transport": "http", **auth}
        await self._post("/v1/mcp/server", body)
        self.key = (await self._post("/user/new", {}))["key"]
        await self._until_served()

    async def log_in(self, scope: str = "") -> None:
        """Let the gateway use the server, as far as its authorization server lets it."""
        query = {"scope": scope} if scope else {}
        begun = await self._http.get(
            f"/authorize/{self.name}", params=query, headers={"authorization": f"Bearer {self.key}"}
        )
        if begun.status_code != httpx2.codes.SEE_OTHER:
            raise SystemExit(f"no login: {begun.status_code} {begun.text}")
        granted = await self._http.get(begun.headers["location"])
        back = urlsplit(granted.headers.get("location", ""))
        done = await self._http.get(f"{back.path}?{back.query}")
        if done.status_code != httpx2.codes.OK:
            raise SystemExit(f"not logged in: {done.status_code} {done.text}")

    async def list_tools(self) -> dict[str, Any]:
        """The schemas of the tools, by their names, for which the gateway itself has asked."""
        query = {"mcp_server_name": self.name}
        answer = await self._http.get("/mcp-rest/tools/list", params=query, headers=self.headers)
        answer.raise_for_status()
        return {tool["name"]: tool["inputSchema"] for tool in answer.json()["tools"]}

    async def call_tool(self, name: str, arguments: Any) -> None:
        """Have the gateway itself call a tool."""
        body = {"server_id": self.name, "name": name, "arguments": arguments}
        answer = await self._http.post("/mcp-rest/tools/call", json=body, headers=self.headers)
        answer.raise_for_status()

    @property
    def headers(self) -> dict[str, str]:
        """By which a client is known, to the gateway and for the server."""
        own = {"authorization": f"Bearer {_ID_TOKEN}"} if _ID_TOKEN else {}
        return {"x-litellm-api-key": self.key, **own}

    async def _find_issuer(self, url: str) -> dict[str, Any]:
        """What an administrator reads of a server that grants tokens to the gateway itself."""
        parts = urlsplit(url)
        place = f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{parts.path}"
        (issuer,) = (await self._http.get(place)).json()["authorization_servers"]
        said = (await self._http.get(f"{issuer.rstrip('/')}/.well-known/oauth-authorization-server")).json()
        methods: list[str] = said["token_endpoint_auth_methods_supported"]
        known = {"token_endpoint_auth_method": methods[0]}
        if not _ID_TOKEN:
            own = {"oauth2_flow": "client_credentials", "issuer": issuer, "token_url": said["token_endpoint"]}
            return {**known, **own}
        there = {"id_jag_resource_token_endpoint": said["token_endpoint"], "id_jag_resource": url}
        return {
            **known,
            "auth_type": "oauth2_id_jag",
            "audience": issuer,
            "token_exchange_endpoint": CONTEXT["idp_token_endpoint"],
            "credentials": {**_credentials(), **there},
        }

    async def _post(self, path: str, body: Any) -> Any:
        answer = await self._http.post(path, json=body, headers={"authorization": f"Bearer {MASTER_KEY}"})
        answer.raise_for_status()
        return answer.json()

    async def _until_served(self) -> None:
        async with asyncio.timeout(60):
            while (await self._http.get(f"/{self.name}/mcp")).status_code == httpx2.codes.NOT_FOUND:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


def _credentials() -> dict[str, Any]:
    if SCENARIO == "auth/basic-cimd":
        # The gateway's own document is at an https address, which loopback has none of.
        return {"client_id": "https://conformance-test.local/client-metadata.json"}
    told = {
        "client_id": "client_id",
        "client_secret": "client_secret",
        "client_private_key": "private_key_pem",
        "client_assertion_signing_alg": "signing_algorithm",
    }
    return {name: CONTEXT[theirs] for name, theirs in told.items() if theirs in CONTEXT}


async def answer_question(
    context: Any, params: types.ElicitRequestParams
) -> types.ElicitResult | types.ErrorData:
    """Accept, with what the schema says where it says something."""
    del context
    schema: dict[str, Any] = getattr(params, "requested_schema", {})
    wanted = schema.get("properties", {})
    content = {name: one["default"] for name, one in wanted.items() if "default" in one}
    return types.ElicitResult(action="accept", content=content)


class Watch:
    """Sees what the gateway answers: whether the last answer wants another login, and for which scope."""

    wants_login = False
    scope = ""

    async def look(self, answer: httpx2.Response) -> None:
        told = answer.headers.get("www-authenticate", "")
        found = re.search(r'scope="([^"]+)"', told)
        is_short = answer.status_code == httpx2.codes.FORBIDDEN and found is not None
        self.wants_login = is_short or answer.status_code == httpx2.codes.UNAUTHORIZED
        self.scope = found.group(1) if found and is_short else ""


def choose_calls(tools: dict[str, Any]) -> _Calls:
    """What the scenario wants called; where it does not say, the first tool of the list."""
    if SCENARIO in _CALLS:
        return _CALLS[SCENARIO]
    if _ECHO in tools:
        return [(_ECHO, {"schema": tools[_ECHOED]})]
    names = list(tools)
    return [(name, {}) for name in (names if SCENARIO in _ALL_TOOLS else names[:1])]


async def speak_plainly(gateway: Gateway) -> None:
    """Have the gateway be the client, of whom nobody but plain HTTP wants anything."""
    for name, arguments in choose_calls(await gateway.list_tools()):
        await gateway.call_tool(name, arguments)


async def speak(gateway: Gateway, watch: Watch) -> None:
    """List what the server has, and call what the scenario wants, through the gateway."""
    mode: Any = "auto" if REVISION == MODERN else "legacy"
    hooks: Any = {"response": [watch.look]}
    async with httpx2.AsyncClient(
        transport=Patient(), headers=gateway.headers, timeout=60, event_hooks=hooks
    ) as http:
        transport = streamable_http_client(f"{ORIGIN}/{gateway.name}/mcp", http_client=http)
        async with Client(transport, mode=mode, elicitation_callback=answer_question) as client:
            tools = {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}
            for named in choose_calls(tools):
                if named[0] != _UNTYPED:
                    await client.call_tool(*named)
            if SCENARIO == "http-standard-headers":
                await read_all(client)


async def read_all(client: Client) -> None:
    """Ask for everything there is besides tools."""
    for resource in (await client.list_resources()).resources:
        await client.read_resource(resource.uri)
    for prompt in (await client.list_prompts()).prompts:
        await client.get_prompt(prompt.name)


async def main(url: str) -> None:
    async with httpx2.AsyncClient(transport=Patient(), base_url=ORIGIN, timeout=60) as http:
        gateway, watch = Gateway(http), Watch()
        await gateway.declare(url)
        logs_in = SCENARIO.startswith("auth/") and SCENARIO not in _OWN and not _ID_TOKEN
        if logs_in:
            await gateway.log_in()
        elif SCENARIO not in _SKIPPED:
            await speak_plainly(gateway)
        for _ in range(_LOGINS):
            try:
                return await speak(gateway, watch)
            except Exception:
                # A server may want more, or somebody else's word: its user is asked again, not for ever.
                if not (logs_in and watch.wants_login):
                    raise
                await gateway.log_in(watch.scope)
        raise SystemExit("the server wants more again and again")


asyncio.run(main(sys.argv[-1]))
