"""The settings of a console: what they mean, and which of them the gateway itself keeps to."""

from collections.abc import Mapping

from gateway.domain import Principal
from gateway.errors import BadRequest, PermissionDenied

__all__ = [
    "NO_CUSTOM_KEYS",
    "NO_MEMBER_REMOVAL",
    "NO_MODELS",
    "NO_PUBLIC_HUB",
    "check_effective",
    "describe_flags",
    "refuse_chosen",
    "refuse_to_others",
    "show_flags",
]

NO_MODELS = "disable_model_add_for_internal_users"
NO_MEMBER_REMOVAL = "disable_team_admin_delete_team_user"
NO_PUBLIC_HUB = "require_auth_for_public_ai_hub"
NO_CUSTOM_KEYS = "disable_custom_api_keys"

_BOOLEAN, _LIST = "boolean", "array"
_MEANINGS: Mapping[str, tuple[str, str]] = {
    NO_MODELS: (_BOOLEAN, "Only proxy admins may make models."),
    NO_MEMBER_REMOVAL: (_BOOLEAN, "Only proxy admins may take members out of teams."),
    NO_PUBLIC_HUB: (_BOOLEAN, "The public list of models needs a key."),
    NO_CUSTOM_KEYS: (_BOOLEAN, "Nobody may choose the text of a new key."),
    "enabled_ui_pages_internal_users": (_LIST, "The pages that a console shows to internal users."),
    "enable_projects_ui": (_BOOLEAN, "Whether a console shows projects."),
}
_INEFFECTIVE: Mapping[str, str] = {
    "scope_user_search_to_org": "Who finds which users is decided by their organizations already.",
    "forward_client_headers_to_llm_api": "This gateway forwards no headers of clients.",
    "disable_agents_for_internal_users": "There are no agents to keep from anybody.",
    "disable_vector_stores_for_internal_users": "There are no vector stores to keep from anybody.",
}
"""Members that would restrict or give something and have no effect here, with why they are refused."""


def check_effective(sent: Mapping[str, object]) -> None:
    """Raise BadRequest for a member that is switched on and would have no effect."""
    for name, reason in _INEFFECTIVE.items():
        if sent.get(name):
            raise BadRequest(f"{name}: {reason}", param=name, type="bad_request_error")


def describe_flags() -> dict[str, object]:
    """Every setting with its type and meaning."""
    return {
        "description": "Settings of a console, and what they close in the gateway.",
        "properties": {
            name: {"type": kind, "description": meaning} for name, (kind, meaning) in _MEANINGS.items()
        },
    }


def show_flags(stored: Mapping[str, object]) -> dict[str, object]:
    """Every setting with its value; what nobody set is off, and a list that nobody set is null."""
    return {
        name: stored.get(name, False if kind == _BOOLEAN else None) for name, (kind, _) in _MEANINGS.items()
    }


def refuse_to_others(flags: Mapping[str, object], name: str, caller: Principal) -> None:
    """Raise PermissionDenied where the flag `name` keeps something to proxy admins and the caller is none."""
    if flags.get(name) is True and not caller.is_admin:
        raise PermissionDenied(f"{_MEANINGS[name][1]} An administrator decided so ({name}).", param=name)


def refuse_chosen(flags: Mapping[str, object], param: str, chosen: str | None) -> None:
    """Raise PermissionDenied where nobody may choose the text of a key, and somebody did."""
    if chosen is not None and flags.get(NO_CUSTOM_KEYS) is True:
        message = f"{_MEANINGS[NO_CUSTOM_KEYS][1]} Leave '{param}' out ({NO_CUSTOM_KEYS})."
        raise PermissionDenied(message, param=param)
