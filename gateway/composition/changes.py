"""What a notice of a change concerns: models and credentials, or who may call."""

from gateway.catalog.added_source import MODELS_CHANGED, AddedSource
from gateway.identity.invalidation import Invalidation

__all__ = ["Changes"]


class Changes:
    """Hands every notice to the part that keeps what has changed; all come over one channel."""

    def __init__(self, identity: Invalidation, models: AddedSource) -> None:
        self._identity = identity
        self._models = models

    def apply(self, payload: str) -> None:
        """Act on one notice."""
        if payload == MODELS_CHANGED:
            self._models.note_change()
        else:
            self._identity.apply(payload)

    def forget_everything(self) -> None:
        """After the listener was away: notices may have been missed."""
        self._identity.forget_everything()
        self._models.note_change()
