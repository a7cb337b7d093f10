"""The hook specifications, the request context and the compiled dispatch."""

from gateway.hooks.body import RequestBody
from gateway.hooks.context import Admission, RequestContext, RequestHead
from gateway.hooks.specs import GROUP, HookMode, HookSpecs, hookimpl, mode_of

__all__ = [
    "GROUP",
    "Admission",
    "HookMode",
    "HookSpecs",
    "RequestBody",
    "RequestContext",
    "RequestHead",
    "hookimpl",
    "mode_of",
]
