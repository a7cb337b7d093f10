"""The bodies of changing what a console shows, with the contract's names."""

from typing import Annotated, Literal

import msgspec

from gateway.inventory.ui.letters import LetterEvent

__all__ = ["BannerRequest", "EventSetting", "EventsRequest", "ThemeRequest", "UiRequest"]

_Address = Annotated[str, msgspec.Meta(max_length=2_048)]
_Pages = Annotated[
    list[Annotated[str, msgspec.Meta(max_length=100)]],
    msgspec.Meta(max_length=100),
]


class UiRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`PATCH /update/ui_settings`: what is sent changes, null takes a member away."""

    disable_model_add_for_internal_users: bool | None = None
    disable_team_admin_delete_team_user: bool | None = None
    require_auth_for_public_ai_hub: bool | None = None
    disable_custom_api_keys: bool | None = None
    enabled_ui_pages_internal_users: _Pages | None = None
    enable_projects_ui: bool | None = None
    scope_user_search_to_org: bool | None = None
    forward_client_headers_to_llm_api: bool | None = None
    disable_agents_for_internal_users: bool | None = None
    disable_vector_stores_for_internal_users: bool | None = None


class ThemeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`PATCH /update/ui_theme_settings`: addresses of pictures; null or an empty text takes one away."""

    logo_url: _Address | None = None
    logo_url_dark: _Address | None = None
    favicon_url: _Address | None = None


class BannerRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`PATCH /update/user_banner`: the whole banner."""

    message: Annotated[str, msgspec.Meta(max_length=2_000)]
    enabled: bool = False
    severity: Literal["info", "warning", "error"] = "info"


class EventSetting(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the mails of an event go out."""

    event: LetterEvent
    enabled: bool


class EventsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`PATCH /email/event_settings`: events that are not named stay as they are."""

    settings: Annotated[list[EventSetting], msgspec.Meta(max_length=100)]
