"""An HTTP service for tests, with an OpenAPI document; it keeps what it was asked."""

import json
from typing import Any, Self

from aiohttp import web

__all__ = ["DOCUMENT", "PetService"]

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Pets", "version": "7"},
    "paths": {
        "/pets/{pet id}": {
            "parameters": [{"name": "pet id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "operationId": "Get Pet",
                "summary": "One pet",
                "parameters": [
                    {
                        "name": "fields",
                        "in": "query",
                        "schema": {"type": "array", "items": {"type": "string"}},
                    },
                    {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                    {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
                ],
            },
            "delete": {"operationId": "get_pet"},
        },
        "/pets": {
            "post": {
                "description": "Add a pet.",
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}},
                },
            }
        },
    },
    "components": {
        "schemas": {
            "Pet": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "parents": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}},
                },
            }
        }
    },
}


class PetService:
    """`async with PetService() as service:` serves at `service.url`; `requests` are those of tools."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.documents: list[dict[str, str]] = []

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/spec.json", self._answer_document)
        app.router.add_route("*", "/{rest:.*}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer_document(self, request: web.Request) -> web.Response:
        self.documents.append({name.lower(): value for name, value in request.headers.items()})
        return web.json_response(DOCUMENT)

    async def _answer(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((request.method, request.raw_path, headers, await request.read()))
        if "missing" in request.path:
            return web.json_response({"reason": "gone"}, status=404)
        if "moved" in request.path:
            raise web.HTTPFound("/elsewhere")
        return web.Response(text=json.dumps({"name": "Rex"}), content_type="application/json")
