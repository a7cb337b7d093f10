"""The bodies of the routes of settings."""

from typing import Literal

import msgspec

__all__ = [
    "ConfigRequest",
    "DeleteCallbackRequest",
    "DeleteFieldRequest",
    "FallbackKind",
    "FallbackRequest",
    "UpdateFieldRequest",
]

FallbackKind = Literal["general", "context_window", "content_policy"]
_Section = Literal["general_settings"]


class UpdateFieldRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /config/field/update`."""

    field_name: str
    field_value: object
    config_type: _Section


class DeleteFieldRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /config/field/delete`."""

    field_name: str
    config_type: _Section


class ConfigRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /config/update`: members of sections; null takes one away.

    `model_list` and `worker_registry` are refused unless they are empty: models have routes of their own, and
    workers are not registered.
    """

    general_settings: dict[str, object] | None = None
    litellm_settings: dict[str, object] | None = None
    router_settings: dict[str, object] | None = None
    environment_variables: dict[str, object] | None = None
    model_list: list[object] | None = None
    worker_registry: list[object] | None = None

    __repr__ = object.__repr__


class DeleteCallbackRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /config/callback/delete`."""

    callback_name: str


class FallbackRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /fallback`."""

    model: str
    fallback_models: list[str]
    fallback_type: FallbackKind = "general"
