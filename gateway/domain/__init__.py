"""Values without behaviour, shared by the core and by plugins."""

from gateway.domain.alerts import BudgetMark, BudgetWatch, UpstreamWatch, first_mark_nanos, next_mark_nanos
from gateway.domain.completion import Charge, Completion
from gateway.domain.deployment import (
    MODEL_ENDPOINTS,
    ChosenBy,
    ClientChoice,
    ClientParams,
    Deployment,
    Endpoint,
    ModelGroup,
    OnDisconnect,
    Secret,
)
from gateway.domain.identity import AgentRules, ModelGrant, Principal, Role, Subject
from gateway.domain.limits import Claim, Limit, LimitKind, Meter, Scope, ScopeKind
from gateway.domain.mcp import (
    MCP_VARIABLES,
    McpArrival,
    McpCall,
    McpFinding,
    McpFindings,
    McpIdentity,
    McpLogin,
    McpLoginAnswer,
    McpLoginClient,
    McpNarrowing,
    McpRenewal,
    McpServerRecord,
    McpShelf,
    McpToolSearch,
    McpToolset,
)
from gateway.domain.pass_through import PassThrough
from gateway.domain.permissions import AccessGroup, ObjectPermission
from gateway.domain.price import Price, PriceTier
from gateway.domain.usage import Usage

__all__ = [
    "MCP_VARIABLES",
    "MODEL_ENDPOINTS",
    "AccessGroup",
    "AgentRules",
    "BudgetMark",
    "BudgetWatch",
    "Charge",
    "ChosenBy",
    "Claim",
    "ClientChoice",
    "ClientParams",
    "Completion",
    "Deployment",
    "Endpoint",
    "Limit",
    "LimitKind",
    "McpArrival",
    "McpCall",
    "McpFinding",
    "McpFindings",
    "McpIdentity",
    "McpLogin",
    "McpLoginAnswer",
    "McpLoginClient",
    "McpNarrowing",
    "McpRenewal",
    "McpServerRecord",
    "McpShelf",
    "McpToolSearch",
    "McpToolset",
    "Meter",
    "ModelGrant",
    "ModelGroup",
    "ObjectPermission",
    "OnDisconnect",
    "PassThrough",
    "Price",
    "PriceTier",
    "Principal",
    "Role",
    "Scope",
    "ScopeKind",
    "Secret",
    "Subject",
    "UpstreamWatch",
    "Usage",
    "first_mark_nanos",
    "next_mark_nanos",
]
