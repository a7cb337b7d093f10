"""Members of the contract's user requests that mean something for keys, and nothing for users."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.errors import ValidationFailed
from gateway.identity.faults import Faults
from gateway.identity.rights import is_same

__all__ = ["note_key_matters", "refuse_password"]

_OF_A_KEY = "Users have none: it belongs to each key. Set it with /key/update."
_REASONS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("aliases", "config", "permissions", "duration", "key_alias", "agent_id"), _OF_A_KEY),
        "budget_fallbacks": _OF_A_KEY,
        "budget_limits": (
            "Users have one budget, max_budget with budget_duration, and model_max_budget for models. "
            "Several periods are for keys and teams: set them with /key/update or /team/update."
        ),
        "blocked": (
            "Users are not blocked by themselves. Block their keys with /key/block, or deactivate the user "
            'with `"active": false` at /scim/v2/Users/{user_id}.'
        ),
        "team_id": "Users enter a team with /team/member_add, and keys with /key/update.",
    }
)


def note_key_matters(faults: Faults, sent: Mapping[str, Any]) -> None:
    """Note every value for a member that says nothing about a user; empty ones change nothing."""
    for name, reason in _REASONS.items():
        if name in sent and not is_same(None, sent[name]):
            faults.add(name, reason)


def refuse_password(sent: Mapping[str, Any]) -> None:
    """Raise ValidationFailed for a password: whoever sets one could log in as the user."""
    if sent.get("password") is not None:
        message = "A password cannot be set here: the user chooses one."
        raise ValidationFailed(message, param="password")
