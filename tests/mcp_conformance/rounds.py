"""Tools and a prompt that ask the client by their results, as the generation without sessions does."""

from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp_types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    InputRequiredResult,
    ListRootsRequest,
    SamplingMessage,
    TextContent,
)

__all__ = ["add_rounds"]

Answer = str | InputRequiredResult


def add_rounds(server: MCPServer) -> None:
    """Give a server what takes several rounds."""
    for tool in (
        test_input_required_result_elicitation,
        test_input_required_result_sampling,
        test_input_required_result_list_roots,
        test_input_required_result_request_state,
        test_input_required_result_multiple_inputs,
        test_input_required_result_multi_round,
        test_input_required_result_tampered_state,
        test_input_required_result_capabilities,
    ):
        server.tool(structured_output=False)(tool)
    server.prompt()(test_input_required_result_prompt)


def test_input_required_result_elicitation(ctx: Context) -> Answer:
    """Ask who it is."""
    answer = told(ctx, "user_name")
    if answer is None:
        return asking(user_name=form("What is your name?", name="string"))
    return f"Hello, {answer.content['name']}!"


def test_input_required_result_sampling(ctx: Context) -> Answer:
    """Ask the client's model."""
    answer = told(ctx, "capital_question")
    if answer is None:
        return asking(capital_question=sample("What is the capital of France?"))
    return str(answer.content.text)


def test_input_required_result_list_roots(ctx: Context) -> Answer:
    """Ask for the client's roots."""
    answer = told(ctx, "client_roots")
    if answer is None:
        return asking(client_roots=ListRootsRequest())
    return f"The roots: {[str(root.uri) for root in answer.roots]}"


def test_input_required_result_request_state(ctx: Context) -> Answer:
    """Ask, and remember in the client's hands."""
    if told(ctx, "confirm") is None or ctx.request_state != "first":
        return asking("first", confirm=form("Please confirm", ok="boolean"))
    return "state-ok"


def test_input_required_result_multiple_inputs(ctx: Context) -> Answer:
    """Ask for three things at once."""
    if any(told(ctx, name) is None for name in ("user_name", "greeting", "client_roots")):
        return asking(
            "first",
            user_name=form("What is your name?", name="string"),
            greeting=sample("Generate a greeting"),
            client_roots=ListRootsRequest(),
        )
    return "done"


def test_input_required_result_multi_round(ctx: Context) -> Answer:
    """Ask twice."""
    if ctx.request_state == "second" and told(ctx, "step2") is not None:
        return "done"
    if ctx.request_state == "first" and told(ctx, "step1") is not None:
        return asking("second", step2=form("Step 2: What is your favorite color?", color="string"))
    return asking("first", step1=form("Step 1: What is your name?", name="string"))


def test_input_required_result_tampered_state(ctx: Context) -> Answer:
    """Ask, with a state that the server seals."""
    if told(ctx, "confirm") is None:
        return asking("sealed", confirm=form("Please confirm", ok="boolean"))
    return "done"


def test_input_required_result_capabilities(ctx: Context) -> Answer:
    """Ask for what the client can do."""
    if ctx.input_responses:
        return "done"
    can = ctx.client_capabilities
    questions: dict[str, Any] = {}
    if can is not None and can.elicitation is not None:
        questions["name"] = form("What is your name?", name="string")
    if can is not None and can.sampling is not None:
        questions["greeting"] = sample("Generate a greeting")
    return asking(**questions) if questions else "done"


def test_input_required_result_prompt(ctx: Context) -> list[UserMessage] | InputRequiredResult:
    """Ask what it is about."""
    answer = told(ctx, "user_context")
    if answer is None:
        return asking(user_context=form("What context should the prompt use?", context="string"))
    return [UserMessage(f"Use this context: {answer.content['context']}")]


def told(ctx: Context, name: str) -> Any:
    """What the client answered to a question; None for an answer of another kind."""
    answer: Any = (ctx.input_responses or {}).get(name)
    if getattr(answer, "action", "accept") != "accept":
        return None
    is_known = any(getattr(answer, member, None) is not None for member in ("content", "roots"))
    return answer if is_known else None


def asking(state: str | None = None, **questions: Any) -> InputRequiredResult:
    return InputRequiredResult(input_requests=questions, request_state=state)


def form(message: str, **members: str) -> ElicitRequest:
    schema: Any = {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in members.items()},
        "required": list(members),
    }
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def sample(text: str) -> CreateMessageRequest:
    question = SamplingMessage(role="user", content=TextContent(type="text", text=text))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[question], max_tokens=100))
