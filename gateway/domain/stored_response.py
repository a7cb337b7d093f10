"""A response that a model provider keeps, as the gateway finds it again."""

import msgspec

__all__ = ["StoredResponse"]


class StoredResponse(msgspec.Struct, frozen=True, kw_only=True):
    """Where a stored response is, and what going on from it takes.

    `id` is the provider's, `model` the name that the client knows. `tokens` are those that the provider reads
    again, at most. `is_guarded` says that guardrails watched over it: what is stored may not be what its
    client got to see.
    """

    id: str
    deployment_id: str
    model: str
    tokens: int
    is_guarded: bool = False
