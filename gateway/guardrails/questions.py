"""Takes the questions of guardrails, and of other plugins, to whoever asks the models."""

from collections.abc import Awaitable, Callable, Sequence

from gateway.errors import ServiceUnavailable
from gateway.hooks import RequestContext
from gateway.sdk import Question

__all__ = ["Questions"]

Answering = Callable[[RequestContext, str, Question], Awaitable[str]]
"""Answers a question about a call, which the guardrail of a name has asked. Raises GatewayError."""
Embedding = Callable[[RequestContext, str, str, Sequence[str]], Awaitable[list[list[float]]]]
"""Has a model embed texts, likewise."""


class Questions:
    """Plugins are built before the gateway that asks models for them; the others are joined when it is."""

    def __init__(self) -> None:
        self.answering: Answering | None = None
        self.embedding: Embedding | None = None

    async def put(self, context: RequestContext, asker: str, question: Question) -> str:
        """Return what the model says; the caller of the context pays. Raises GatewayError."""
        if self.answering is None:
            raise _not_open()
        return await self.answering(context, asker, question)

    async def embed(
        self, context: RequestContext, asker: str, model: str, texts: Sequence[str]
    ) -> list[list[float]]:
        """Return the vectors of texts; the caller of the context pays. Raises GatewayError."""
        if self.embedding is None:
            raise _not_open()
        return await self.embedding(context, asker, model, texts)


def _not_open() -> ServiceUnavailable:
    return ServiceUnavailable("No model can be asked before the gateway is open.")
