"""What a plugin may ask the gateway for: the texts of a request, its members, and a log of its own."""

from gateway.sdk.content import TEXT_MEMBERS, read_member, rewrite_texts
from gateway.sdk.log import PluginLog, plugin_log

__all__ = ["TEXT_MEMBERS", "PluginLog", "plugin_log", "read_member", "rewrite_texts"]
