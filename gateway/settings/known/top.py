"""The sections of a configuration file."""

from gateway.settings.known.entry import harmless, no_effect, supported

__all__ = ["TOP_KEYS"]

TOP_KEYS = (
    supported("include", "Files whose sections are joined with this one's; paths are relative to this file."),
    supported("model_list", "The models that clients may name, each with one or more deployments."),
    supported("litellm_settings", "Settings of requests, fallbacks and new keys."),
    supported("general_settings", "Settings of the server: master key, database, limits."),
    supported("router_settings", "Retries, fallbacks, cooldowns, aliases."),
    supported(
        "environment_variables", "Variables that references may name; they win over the process's own."
    ),
    supported("credential_list", "Named credentials for `litellm_credential_name`."),
    supported("gatewright", "Settings that LiteLLM does not have."),
    supported("guardrails", "What inspects requests and answers; see [guardrails](guardrails.md)."),
    supported("mcp_servers", "MCP servers that the gateway relays to; see [mcp](mcp.md).", restricts=True),
    supported("policies", "Named sets of guardrails; see [policies](policies.md).", restricts=True),
    supported("policy_attachments", "Where policies apply.", restricts=True),
    no_effect("worker_registry", "Every gateway is managed on its own."),
    no_effect("default_vertex_config", "It serves pass-throughs to Vertex, which are not served."),
    no_effect("pass_through_endpoints", "It is read in `general_settings`; see docs/pass-through.md."),
    *harmless(
        "prompts mcp_tools search_tools vector_store_registry agent_list agents "
        "files_settings finetune_settings assistant_settings callback_settings "
        "plugins sandbox_tools mcp_semantic_tool_filter "
        "cost_discount_config health_check_settings ui_settings"
    ),
)
