"""What came over the channel concerns: models and credentials, who may call, what a worker asks."""

from gateway.catalog.added_source import MODELS_CHANGED, AddedSource
from gateway.catalog.mcp_stock import MCP_CREDENTIAL_PREFIX, McpStock
from gateway.db.asking import ASKING_PREFIX, Colleagues
from gateway.identity.invalidation import Invalidation

__all__ = ["Changes"]


class Changes:
    """Hands every notice to the part that keeps what has changed; all come over one channel."""

    def __init__(
        self, identity: Invalidation, models: AddedSource, mcp: McpStock, colleagues: Colleagues
    ) -> None:
        self._identity = identity
        self._models = models
        self._mcp = mcp
        self._colleagues = colleagues

    def apply(self, payload: str) -> None:
        """Act on one notice."""
        if payload == MODELS_CHANGED:
            self._models.note_change()
        elif payload.startswith(MCP_CREDENTIAL_PREFIX):
            self._mcp.apply(payload)
        elif payload.startswith(ASKING_PREFIX):
            self._colleagues.apply(payload)
        else:
            self._identity.apply(payload)

    def forget_everything(self) -> None:
        """After the listener was away: notices may have been missed."""
        self._identity.forget_everything()
        self._mcp.forget()
        self._models.note_change()
