"""Typed settings from config.yaml, the environment and the command line."""

from gateway.settings.model import (
    Credential,
    Environment,
    FallbackMap,
    GatewrightSettings,
    GeneralSettings,
    LimitSettings,
    LitellmSettings,
    ModelEntry,
    PluginSettings,
    RouterSettings,
    Settings,
    SettingsNotice,
)

__all__ = [
    "Credential",
    "Environment",
    "FallbackMap",
    "GatewrightSettings",
    "GeneralSettings",
    "LimitSettings",
    "LitellmSettings",
    "ModelEntry",
    "PluginSettings",
    "RouterSettings",
    "Settings",
    "SettingsNotice",
]
