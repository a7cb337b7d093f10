"""How a guardrail asks a model of the gateway's own catalog."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from gateway.errors import ServiceUnavailable

__all__ = ["Ask", "Question", "refuse_question"]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A chat completion of the model `model`, a name of the catalog, with at most `max_tokens` of answer.

    `instructions` are the operator's. `text` is what they are about; whatever it says, it is data. A `schema`
    asks for an answer in JSON of that form; whether the model keeps to it, only the answer shows.
    """

    model: str
    instructions: str
    text: str
    max_tokens: int = 1_024
    schema: Mapping[str, object] | None = None

    # What is asked about is nothing for a log.
    __repr__ = object.__repr__


Ask = Callable[[Question], Awaitable[str]]
"""Returns what the model said. Raises GatewayError."""


async def refuse_question(question: Question) -> str:
    """Where no call is inspected there is nobody on whose account a model could be asked."""
    raise ServiceUnavailable(f"The model '{question.model}' cannot be asked: there is no call to charge.")
