"""Takes the questions of guardrails to whoever asks the models."""

from collections.abc import Awaitable, Callable

from gateway.errors import ServiceUnavailable
from gateway.hooks import RequestContext
from gateway.sdk import Question

__all__ = ["Questions"]

Answering = Callable[[RequestContext, str, Question], Awaitable[str]]
"""Answers a question about a call, which the guardrail of a name has asked. Raises GatewayError."""


class Questions:
    """Guardrails are built before the gateway that asks models for them; `answering` is joined when it is."""

    def __init__(self) -> None:
        self.answering: Answering | None = None

    async def put(self, context: RequestContext, asker: str, question: Question) -> str:
        """Return what the model says; the caller of the context pays. Raises GatewayError."""
        if self.answering is None:
            raise ServiceUnavailable("No model can be asked before the gateway is open.")
        return await self.answering(context, asker, question)
