"""Tools, resources and prompts by the names that the conformance suite of MCP asks for."""

import asyncio
import json
from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.server.mcpserver.tools import Tool
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    ClientCapabilities,
    EmbeddedResource,
    ImageContent,
    MissingRequiredClientCapabilityErrorData,
    SamplingCapability,
    TextContent,
    TextResourceContents,
)
from pydantic import Field

__all__ = ["add_contents"]

IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SOUND = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA="
STEP_SECONDS = 0.05
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


def add_contents(server: MCPServer) -> None:
    """Give a server everything that asks the client for nothing."""
    for tool in (
        test_simple_text,
        test_image_content,
        test_audio_content,
        test_embedded_resource,
        test_multiple_content_types,
        test_tool_with_logging,
        test_logging_tool,
        test_tool_with_progress,
        test_error_handling,
        test_reconnection,
        test_custom_headers,
        test_missing_capability,
        test_trigger_tool_change,
        test_trigger_prompt_change,
    ):
        server.tool(structured_output=False)(tool)
    for uri, kind, read in (
        ("test://static-text", "text/plain", static_text),
        ("test://static-binary", "image/png", static_binary),
        ("test://watched-resource", "text/plain", watched),
        ("test://template/{id}/data", "application/json", of_template),
    ):
        server.resource(uri, mime_type=kind)(read)
    for prompt in (
        test_simple_prompt,
        test_prompt_with_arguments,
        test_prompt_with_embedded_resource,
        test_prompt_with_image,
    ):
        server.prompt()(prompt)


def schema_tool() -> Tool:
    """A tool whose schema has keywords of JSON Schema 2020-12."""
    made = Tool.from_function(
        json_schema_2020_12_tool,
        description="Tool with JSON Schema 2020-12 features",
        structured_output=False,
    )
    return made.model_copy(update={"parameters": SCHEMA})


def json_schema_2020_12_tool() -> str:
    """Nobody calls it."""
    return "done"


def embedded(uri: str, kind: str, text: str) -> EmbeddedResource:
    return EmbeddedResource(
        type="resource", resource=TextResourceContents(uri=uri, mime_type=kind, text=text)
    )


def image() -> ImageContent:
    return ImageContent(type="image", data=IMAGE, mime_type="image/png")


def said(content: Any) -> UserMessage:
    return UserMessage(content)


def test_simple_text() -> str:
    """Say something."""
    return "This is a simple text response for testing."


def test_image_content() -> list[ImageContent]:
    """Show an image."""
    return [image()]


def test_audio_content() -> list[AudioContent]:
    """Make a sound."""
    return [AudioContent(type="audio", data=SOUND, mime_type="audio/wav")]


def test_embedded_resource() -> list[EmbeddedResource]:
    """Hand over a resource."""
    return [embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")]


def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
    """Do all of it."""
    resource = embedded(
        "test://mixed-content-resource", "application/json", json.dumps({"test": "data", "value": 123})
    )
    return [TextContent(type="text", text="Multiple content types test:"), image(), resource]


async def test_tool_with_logging(ctx: Context) -> str:
    """Log three messages."""
    await ctx.info("Tool execution started")
    await asyncio.sleep(STEP_SECONDS)
    await ctx.info("Tool processing data")
    await asyncio.sleep(STEP_SECONDS)
    await ctx.info("Tool execution completed")
    return "logged"


async def test_logging_tool(ctx: Context) -> str:
    """Log a message."""
    await ctx.info("logged")
    return "logged"


async def test_tool_with_progress(ctx: Context) -> str:
    """Tell of progress, step by step."""
    for done in (0, 50, 100):
        await ctx.report_progress(done, 100)
        await asyncio.sleep(STEP_SECONDS)
    return "done"


def test_error_handling() -> str:
    """Fail."""
    raise ToolError("This tool intentionally returns an error for testing")


async def test_reconnection(ctx: Context) -> str:
    """Close the stream, and answer when the client has come back."""
    await ctx.close_sse_stream()
    await asyncio.sleep(2 * STEP_SECONDS)
    return "still there"


def test_custom_headers(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})] = "",  # noqa: PT028  no test, in spite of its name
) -> str:
    """Take an argument that a header mirrors."""
    return region


def test_missing_capability(ctx: Context) -> str:
    """Be there only for clients that sample."""
    capabilities = ctx.client_capabilities
    if capabilities is None or capabilities.sampling is None:
        needed = MissingRequiredClientCapabilityErrorData(
            required_capabilities=ClientCapabilities(sampling=SamplingCapability())
        )
        raise MCPError(
            MISSING_REQUIRED_CLIENT_CAPABILITY,
            "This tool needs a client that samples.",
            needed.model_dump(by_alias=True, exclude_none=True),
        )
    return "done"


async def test_trigger_tool_change(ctx: Context) -> str:
    """Say that the list of tools has changed."""
    await ctx.notify_tools_changed()
    return "done"


async def test_trigger_prompt_change(ctx: Context) -> str:
    """Say that the list of prompts has changed."""
    await ctx.notify_prompts_changed()
    return "done"


def static_text() -> str:
    """A text."""
    return "This is the content of the static text resource."


def static_binary() -> bytes:
    """An image."""
    return IMAGE.encode()


def watched() -> str:
    """A text that changes."""
    return "Watched resource content"


def of_template(id: str) -> str:  # noqa: A002  the suite's own name for it
    """Something for each id."""
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def test_simple_prompt() -> list[UserMessage]:
    """Ask for nothing in particular."""
    return [said("This is a simple prompt for testing.")]


def test_prompt_with_arguments(arg1: str, arg2: str) -> list[UserMessage]:
    """Say both arguments."""
    return [said(f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")]


def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:  # noqa: N803  the suite's own
    """Hand over a resource."""
    resource = embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
    return [said(resource), said("Please process the embedded resource above.")]


def test_prompt_with_image() -> list[UserMessage]:
    """Show an image."""
    return [said(image()), said("Please analyze the image above.")]
