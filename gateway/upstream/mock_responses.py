"""What the built-in provider answers to the Responses API; see `mock_text` for the other endpoints."""

import hashlib
from collections.abc import Mapping

from gateway.errors import UpstreamNotFound
from gateway.upstream.mock_text import MOCK_COMPLETION_TOKENS, MOCK_PROMPT_TOKENS, MOCK_TIME, mock_words
from gateway.wire.responses import build_events, encode_event

__all__ = ["answer_stored", "mock_response", "mock_response_events"]

_USAGE = {
    "input_tokens": MOCK_PROMPT_TOKENS,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": MOCK_COMPLETION_TOKENS,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": MOCK_PROMPT_TOKENS + MOCK_COMPLETION_TOKENS,
}
_ECHOED: dict[str, object] = {
    # Members of a request that stand in its response as well, and what they are where it has none.
    "instructions": None,
    "max_output_tokens": None,
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
}


def mock_response(members: Mapping[str, object], body: bytes) -> dict[str, object]:
    """Return the whole response to the decoded request; `body` seeds the ids."""
    digest = hashlib.sha256(body).hexdigest()
    part: dict[str, object] = {
        "type": "output_text",
        "text": "".join(mock_words(members)),
        "annotations": [],
        "logprobs": [],
    }
    message: dict[str, object] = {
        "type": "message",
        "id": f"msg_{digest[24:48]}",
        "status": "completed",
        "role": "assistant",
        "content": [part],
    }
    return {
        "id": f"resp_{digest[:24]}",
        "object": "response",
        "created_at": MOCK_TIME,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": members.get("model"),
        "output": [message],
        "usage": _USAGE,
        "metadata": {},
        **{name: members.get(name, usual) for name, usual in _ECHOED.items()},
    }


def mock_response_events(members: Mapping[str, object], body: bytes) -> list[bytes]:
    """Return the events of a stream, one per chunk; its text comes in several of them."""
    events: list[dict[str, object]] = []
    for event in build_events(mock_response(members, body)):
        if event["type"] == "response.output_text.delta":
            events += (event | {"delta": words} for words in mock_words(members))
        else:
            events.append(event)
    return [encode_event(event | {"sequence_number": number}) for number, event in enumerate(events)]


def answer_stored(method: str, path: str) -> dict[str, object]:
    """The answer to a request about a stored response. Nothing is: to delete it is no more than to say so.

    Raises UpstreamNotFound for one that is to be shown.
    """
    if method != "DELETE":
        raise UpstreamNotFound("litellm.NotFoundError: The mock provider stores no responses.")
    return {"id": path.rpartition("/")[2], "object": "response", "deleted": True}
