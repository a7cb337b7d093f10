"""What a plugin may ask the gateway for: texts and members of a request, a log; and what a guardrail is."""

from gateway.sdk.content import TEXT_MEMBERS, read_member, rewrite_texts
from gateway.sdk.guardrails import (
    PASSED,
    Content,
    Direction,
    Edit,
    Guardrail,
    GuardrailCall,
    Piece,
    PieceKind,
    ToolUse,
    Verdict,
)
from gateway.sdk.log import PluginLog, plugin_log

__all__ = [
    "PASSED",
    "TEXT_MEMBERS",
    "Content",
    "Direction",
    "Edit",
    "Guardrail",
    "GuardrailCall",
    "Piece",
    "PieceKind",
    "PluginLog",
    "ToolUse",
    "Verdict",
    "plugin_log",
    "read_member",
    "rewrite_texts",
]
