"""Tools that ask the client something while they run, as the generation with sessions does."""

from typing import Any, Literal

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import ElicitRequestedSchema, SamplingMessage, TextContent

__all__ = ["add_questions"]

_OPTIONS = ["option1", "option2", "option3"]
_TITLED = [
    {"const": "value1", "title": "First Option"},
    {"const": "value2", "title": "Second Option"},
    {"const": "value3", "title": "Third Option"},
]
_PERSON: ElicitRequestedSchema = {
    "type": "object",
    "properties": {
        "username": {"type": "string", "description": "User's response"},
        "email": {"type": "string", "description": "User's email address"},
    },
    "required": ["username", "email"],
}
_DEFAULTS: ElicitRequestedSchema = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    },
}
_ENUMS: ElicitRequestedSchema = {
    "type": "object",
    "properties": {
        "untitledSingle": {"type": "string", "enum": _OPTIONS},
        "titledSingle": {"type": "string", "oneOf": _TITLED},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": _OPTIONS}},
        "titledMulti": {"type": "array", "items": {"anyOf": _TITLED}},
    },
}


def add_questions(server: MCPServer) -> None:
    """Give a server the tools that ask."""
    for tool in (
        test_sampling,
        test_elicitation,
        test_elicitation_sep1034_defaults,
        test_elicitation_sep1330_enums,
        test_streaming_elicitation,
    ):
        server.tool(structured_output=False)(tool)


async def test_sampling(prompt: str, ctx: Context) -> str:
    """Ask the client's model."""
    question = SamplingMessage(role="user", content=TextContent(type="text", text=prompt))
    answer = await ctx.session.create_message(
        messages=[question], max_tokens=100, related_request_id=ctx.request_id
    )
    return f"LLM response: {getattr(answer.content, 'text', '')}"


async def test_elicitation(message: str, ctx: Context) -> str:
    """Ask the client's user."""
    return await elicit(ctx, message, _PERSON)


async def test_elicitation_sep1034_defaults(ctx: Context) -> str:
    """Ask with an answer for everything."""
    return await elicit(ctx, "Who are you?", _DEFAULTS)


async def test_elicitation_sep1330_enums(ctx: Context) -> str:
    """Ask for a choice."""
    return await elicit(ctx, "Which ones?", _ENUMS)


async def test_streaming_elicitation(ctx: Context) -> str:
    """Tell of progress; a modern server asks nothing on the way."""
    await ctx.report_progress(1, 1)
    return "done"


async def elicit(ctx: Context, message: str, schema: Any) -> str:
    answer = await ctx.session.elicit_form(message, schema, related_request_id=ctx.request_id)
    action: Literal["accept", "decline", "cancel"] = answer.action
    return f"Elicitation completed: action={action}, content={answer.content}"
