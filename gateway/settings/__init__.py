"""Typed settings from config.yaml, the environment and the command line."""

from gateway.settings.access import AccessSettings
from gateway.settings.environment import Flags
from gateway.settings.faults import Faults
from gateway.settings.load import load_settings, read_settings
from gateway.settings.master_key import MasterKey, ensure_master_key
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
    "AccessSettings",
    "Credential",
    "Environment",
    "FallbackMap",
    "Faults",
    "Flags",
    "GatewrightSettings",
    "GeneralSettings",
    "LimitSettings",
    "LitellmSettings",
    "MasterKey",
    "ModelEntry",
    "PluginSettings",
    "RouterSettings",
    "Settings",
    "SettingsNotice",
    "ensure_master_key",
    "load_settings",
    "read_settings",
]
