"""What would help where a rule refuses: one sentence per rule, which tells nobody more than the refusal."""

from collections.abc import Mapping

__all__ = ["REMEDIES"]

REMEDIES: Mapping[str, str] = {
    "client_address": "Call from an address in `general_settings.allowed_ips`, or have yours added.",
    "served_routes": "Have the route added to `general_settings.allowed_routes`.",
    "disabled_routes": "Ask a gateway on which this group of routes is not disabled.",
    "key_blocked": "An administrator unblocks the key: POST /key/unblock.",
    "key_expired": "Make a new key, or have the `duration` of this one extended.",
    "user_deactivated": "Have the user activated in the directory, or `scim_active` in its metadata set.",
    "owner_blocked": "An administrator unblocks the team or project.",
    "body": "Send the body that the route reads.",
    "banned_members": "Leave the member out; `configurable_clientside_auth_params` of a model can allow it.",
    "named_objects": "Name another one, or have it unblocked and its settings mended.",
    "stored_settings": "An administrator sets the setting anew.",
    "model_access": "Use a model that GET /v1/models lists, or have the model added to what refuses it.",
    "named_agents": "Send the header `x-litellm-trace-id`.",
    "named_permissions": "Leave it out, or have it added to the object permission of the end user or agent.",
    "fallback_models": "Name fallbacks that GET /v1/models lists.",
    "trace_id": "Send the header `x-litellm-trace-id`.",
    "client_tags": "Leave the tags out; the metadata of key and team can have them.",
    "end_user_named": "Name the end user in the member `user`.",
    "required_members": "Send the member that is missing.",
    "guardrails_kept": "Leave the member out.",
    "admin_only_routes": "Use a key of an administrator.",
    "role_permissions": "Have the route or model added to `general_settings.role_permissions` of the role.",
    "allowed_routes": "Use a key whose `allowed_routes` have the route.",
    "tool_policies": "Leave the tool out, or have its policy changed (`POST /v1/tool/policy`).",
    "tools": "Leave the tool out, or have it added to `allowed_tools` of the key or team.",
    "vector_stores": "Leave the vector store out, or have it added to the object permission.",
    "agents": "Name another agent, or have this one added to the object permission.",
    "cache_controls": "Leave the member out, or have it added to `allowed_cache_controls`.",
    "region": "Use a model with a deployment in that region, or give the end user a `default_model`.",
    "model_exists": "Use a model that GET /v1/models lists.",
    "client_choice": "Send a choice that a deployment of the model leaves to its clients.",
    "previous_response": "Name the model that answered, or send the whole conversation as 'input'.",
    "price": "Have a price set for the model.",
    "estimate": "Send the body that the route reads.",
    "budgets": "Have the budget raised or its spend reset, or wait until it starts anew.",
    "rates": "Wait until the window ends or a request under way does, or have the limit raised.",
    "deployments": "Wait until a deployment has cooled down.",
}
"""By the names that findings have."""
