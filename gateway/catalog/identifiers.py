"""The id of a deployment: the configured one, or a digest of what defines it."""

import hashlib
import json

from gateway.domain import Secret
from gateway.settings import ModelEntry

__all__ = ["build_id"]


def build_id(entry: ModelEntry) -> str:
    """`model_info.id`, else the SHA-256 of the name and all parameters, in hex.

    The digest is LiteLLM's (name, then each key and value as text), so that ids in spend logs and dashboards
    stay what they were. Keys enter it only among other text and as a digest.
    """
    stated = entry.model_info.get("id")
    if stated is not None and str(stated):
        return str(stated)
    parts = [entry.model_name]
    for name, value in entry.litellm_params.items():
        parts += (name, _text(value))
    return hashlib.sha256("".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _text(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, dict):
        return json.dumps(value, default=str)
    return str(value)
