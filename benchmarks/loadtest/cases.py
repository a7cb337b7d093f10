"""What is asked: concurrency, size of the body, and the kind of answer."""

import itertools
from collections.abc import Iterable, Sequence

import msgspec

__all__ = [
    "ANSWER",
    "ANSWER_ID",
    "COST_NANOS",
    "EVENTS",
    "PACE_SECONDS",
    "TRAFFIC",
    "USAGE",
    "Case",
    "build_body",
    "list_cases",
]

TRAFFIC = ("answer", "stream", "burst")
"""A whole answer; a stream with pauses, as a model makes it; a stream as fast as it goes."""
EVENTS = 40
PACE_SECONDS = 0.005
USAGE = {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 21}
COST_NANOS = 12 * 150 + 9 * 600
"""What one call costs at the prices in the gateway's configuration: 0.15 and 0.60 USD per million tokens."""
ANSWER_ID = "chatcmpl-" + "0" * 32
"""Stands for another id in each answer: the gateway must tell equal ones apart, which costs."""
ANSWER = msgspec.json.encode(
    {
        "id": ANSWER_ID,
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello there, how can I help you today?"},
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
    }
)
_SENTENCE = "The quick brown fox says hello to the lazy dog, as it did yesterday. "


class Case(msgspec.Struct, frozen=True):
    """One kind of request; `body_bytes` is the exact size of what is sent."""

    traffic: str
    connections: int
    body_bytes: int

    @property
    def label(self) -> str:
        """A short name, the same in tables and JSON."""
        return f"{self.traffic} {self.body_bytes // 1000} KB c={self.connections}"


def list_cases(
    traffic: Iterable[str], connections: Iterable[int], kilobytes: Iterable[int]
) -> Sequence[Case]:
    """Every combination; a burst at concurrency 1 would only measure round trips and is left out."""
    combined = itertools.product(traffic, kilobytes, connections)
    return [Case(kind, count, size * 1000) for kind, size, count in combined if kind != "burst" or count > 1]


def build_body(case: Case) -> bytes:
    """A chat request of exactly `body_bytes`; the model is named as the traffic."""
    members: dict[str, object] = {"model": case.traffic, "messages": [{"role": "user", "content": ""}]}
    if case.traffic != "answer":
        members |= {"stream": True, "stream_options": {"include_usage": True}}
    missing = case.body_bytes - len(msgspec.json.encode(members))
    text = (_SENTENCE * (missing // len(_SENTENCE) + 1))[:missing]
    return msgspec.json.encode(members | {"messages": [{"role": "user", "content": text}]})
