"""What is asked of the settings that the database keeps."""

from tests.integration.manage.asked import Asked

__all__ = ["ROWS"]

_BLOCKING = "/config/block_requests_for_models_without_pricing"
_EVENT = {"event": "Virtual Key Created", "enabled": False}
_FIELD = {"field_name": "enforce_user_param", "config_type": "general_settings"}
_PASS_THROUGH = "/config/pass_through_endpoint"
_CONJUR = {
    "cyberark_api_base": "http://127.0.0.1:9",
    "cyberark_account": "company",
    "cyberark_username": "host/gateway",
    "cyberark_api_key": "api-key-of-the-tests",
}
_TARGET = {"path": "/svc", "target": "https://api.example.com/v1"}

ROWS: tuple[Asked, ...] = (
    Asked(1, "GET /get/sso_settings"),
    Asked(5, "PATCH /update/sso_settings", {"user_email": "admin@example.com"}),
    Asked(0, "GET /get/ui_settings"),
    Asked(5, "PATCH /update/ui_settings", {"disable_custom_api_keys": False}),
    Asked(0, "GET /get/ui_theme_settings"),
    Asked(5, "PATCH /update/ui_theme_settings", {"logo_url": "https://example.com/logo.png"}),
    Asked(0, "GET /get_logo_url"),
    Asked(5, "POST /upload/logo", file=("logo.png", b"\x89PNG\r\n\x1a\n" + b"x" * 32)),
    Asked(0, "GET /get_image"),
    Asked(0, "GET /get_favicon"),
    Asked(5, "PATCH /update/user_banner", {"message": "Hello"}),
    Asked(0, "GET /get/user_banner"),
    Asked(0, "GET /get/allowed_ips"),
    Asked(8, "POST /add/allowed_ip", {"ip": "127.0.0.1"}),
    Asked(8, "POST /delete/allowed_ip", {"ip": "127.0.0.1"}),
    Asked(6, "PATCH /config/cost_discount_config", {"openai": 0.1}),
    Asked(0, "GET /config/cost_discount_config"),
    Asked(6, "PATCH /config/cost_margin_config", {"openai": 0.1}),
    Asked(0, "GET /config/cost_margin_config"),
    Asked(0, "GET /get/internal_user_settings"),
    Asked(8, "PATCH /update/internal_user_settings", {"max_budget": 100}),
    Asked(0, "GET /get/default_team_settings"),
    Asked(8, "PATCH /update/default_team_settings", {"max_budget": 100}),
    Asked(0, "GET /get/mcp_semantic_filter_settings"),
    Asked(8, "PATCH /update/mcp_semantic_filter_settings", {"top_k": 20}),
    Asked(0, "GET /get/mcp_tool_search_settings"),
    Asked(8, "PATCH /update/mcp_tool_search_settings", {"top_k": 20}),
    Asked(1, "GET /cache/settings"),
    Asked(4, "POST /cache/settings", {"cache_settings": {"type": "redis", "host": "redis", "port": 6379}}),
    Asked(1, "POST /cache/settings/test", {"cache_settings": {"url": "{redis_url}"}}),
    Asked(0, "GET /coordination_redis/settings"),
    Asked(0, "POST /coordination_redis/settings/test", {"settings": {"url": "{redis_url}"}}),
    Asked(0, "GET /cache/ping"),
    Asked(0, "GET /cache/redis/info"),
    Asked(0, "POST /cache/delete", {"keys": []}),
    Asked(1, "POST /cache/flushall"),
    Asked(1, "GET /get/config/callbacks"),
    Asked(1, "GET /callbacks/list"),
    Asked(0, "GET /callbacks/configs"),
    Asked(0, "GET /active/callbacks"),
    Asked(1, "GET /alerting/settings"),
    Asked(0, "GET /config/yaml"),
    Asked(1, "GET /config/list", query={"config_type": "general_settings"}),
    Asked(1, "GET /config/field/info", query={"field_name": "enforce_user_param"}),
    Asked(7, "POST /config/field/update", {**_FIELD, "field_value": False}),
    Asked(7, "POST /config/field/delete", _FIELD),
    Asked(6, "POST /config/update", {"litellm_settings": {"num_retries": 1}}),
    Asked(7, "POST /config/callback/delete", {"callback_name": "langfuse"}),
    Asked(0, f"GET {_BLOCKING}"),
    Asked(6, f"PATCH {_BLOCKING}", {"enabled": False}),
    Asked(0, "GET /email/event_settings"),
    Asked(5, "PATCH /email/event_settings", {"settings": [_EVENT]}),
    Asked(5, "POST /email/event_settings/reset"),
    Asked(
        5, "POST /config_overrides/hashicorp_vault", {"vault_addr": "http://127.0.0.1:9", "vault_token": "t"}
    ),
    Asked(1, "GET /config_overrides/hashicorp_vault"),
    Asked(1, "POST /config_overrides/hashicorp_vault/test_connection"),
    Asked(4, "DELETE /config_overrides/hashicorp_vault"),
    Asked(5, "POST /config_overrides/cyberark", _CONJUR),
    Asked(1, "GET /config_overrides/cyberark"),
    Asked(1, "POST /config_overrides/cyberark/test_connection"),
    Asked(4, "DELETE /config_overrides/cyberark"),
    Asked(7, f"POST {_PASS_THROUGH}", _TARGET, keeps={"endpoint_id": "endpoints/0/id"}),
    Asked(7, f"POST {_PASS_THROUGH}/{{endpoint_id:str}}", {**_TARGET, "cost_per_request": 0.5}),
    Asked(2, f"GET {_PASS_THROUGH}/team/{{team_id:str}}"),
    Asked(7, f"DELETE {_PASS_THROUGH}", query={"endpoint_id": "{endpoint_id}"}),
)
