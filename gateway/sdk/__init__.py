"""What a plugin may ask the gateway for: texts, members, a log; what a guardrail is and what it may ask."""

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
from gateway.sdk.joined import Joined, Place, join_texts
from gateway.sdk.log import PluginLog, plugin_log
from gateway.sdk.questions import Ask, Question, refuse_question

__all__ = [
    "PASSED",
    "TEXT_MEMBERS",
    "Ask",
    "Content",
    "Direction",
    "Edit",
    "Guardrail",
    "GuardrailCall",
    "Joined",
    "Piece",
    "PieceKind",
    "Place",
    "PluginLog",
    "Question",
    "ToolUse",
    "Verdict",
    "join_texts",
    "plugin_log",
    "read_member",
    "refuse_question",
    "rewrite_texts",
]
