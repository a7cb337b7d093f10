"""The hook specifications, the request context and the compiled dispatch."""

from gateway.hooks.body import RequestBody
from gateway.hooks.context import Admission, RequestContext, RequestHead
from gateway.hooks.dispatch import Hooks, compile_hooks
from gateway.hooks.guards import Beside, CallGuard, Recorded, RecordGuard, StreamGuard
from gateway.hooks.registry import LoadedPlugins, PluginChoice, PluginInfo, build_plugin, load_plugins
from gateway.hooks.services import (
    OFFLINE,
    Closing,
    Inside,
    Keeping,
    McpSource,
    Models,
    PluginServices,
    PublicAddress,
    Sealing,
    Vouchers,
    Workers,
)
from gateway.hooks.specs import GROUP, HookMode, HookSpecs, HookUse, hookimpl, mode_of
from gateway.hooks.transport import (
    Forwarder,
    ForwardRequest,
    HeaderPairs,
    OpenAnswer,
    ReadBody,
    UpstreamStream,
)

__all__ = [
    "GROUP",
    "OFFLINE",
    "Admission",
    "Beside",
    "CallGuard",
    "Closing",
    "ForwardRequest",
    "Forwarder",
    "HeaderPairs",
    "HookMode",
    "HookSpecs",
    "HookUse",
    "Hooks",
    "Inside",
    "Keeping",
    "LoadedPlugins",
    "McpSource",
    "Models",
    "OpenAnswer",
    "PluginChoice",
    "PluginInfo",
    "PluginServices",
    "PublicAddress",
    "ReadBody",
    "RecordGuard",
    "Recorded",
    "RequestBody",
    "RequestContext",
    "RequestHead",
    "Sealing",
    "StreamGuard",
    "UpstreamStream",
    "Vouchers",
    "Workers",
    "build_plugin",
    "compile_hooks",
    "hookimpl",
    "load_plugins",
    "mode_of",
]
