"""What is asked of the gateway itself: its health, its descriptions, its books and its utilities."""

from tests.integration.manage.asked import Asked

__all__ = ["ROWS"]

_DATES = {"start_date": "2026-01-01", "end_date": "2026-01-31"}
_MESSAGES = [{"role": "user", "content": "Say hello"}]

ROWS: tuple[Asked, ...] = (
    Asked(0, "GET /health/liveliness"),
    Asked(1, "GET /health/readiness"),
    Asked(1, "GET /health/readiness/details"),
    Asked(0, "GET /health/drain"),
    Asked(0, "GET /health/backlog"),
    Asked(0, "GET /health/shared-status"),
    Asked(0, "GET /health/license"),
    Asked(0, "GET /health/services", query={"service": "webhook"}),
    Asked(0, "GET /"),
    Asked(0, "GET /robots.txt"),
    Asked(0, "GET /test"),
    Asked(0, "GET /metrics"),
    Asked(0, "GET /openapi.json"),
    Asked(0, "GET /routes"),
    Asked(0, "GET /debug/memory/summary"),
    Asked(0, "GET /debug/asyncio-tasks"),
    Asked(0, "GET /memory-usage-in-mem-cache"),
    Asked(0, "GET /fallback/login"),
    Asked(0, "GET /sso/readiness"),
    Asked(0, "GET /sso/get/ui_settings"),
    Asked(0, "GET /.well-known/litellm-ui-config"),
    Asked(0, "GET /.well-known/jwks.json"),
    Asked(0, "GET /oauth/client-metadata.json"),
    Asked(0, "GET /v1/mcp/oauth/protected-resource"),
    Asked(0, "POST /auth/explain", {"key": "{user_key}", "model": "m"}),
    Asked(0, "POST /utils/token_counter", {"model": "m", "messages": _MESSAGES}),
    Asked(0, "GET /utils/supported_openai_params", query={"model": "m"}),
    Asked(0, "GET /utils/model_info", query={"model": "openai/gpt-4o-mini"}),
    Asked(
        0,
        "POST /utils/transform_request",
        {"call_type": "completion", "request_body": {"model": "m", "messages": _MESSAGES}},
    ),
    Asked(0, "POST /utils/dotprompt_json_converter", file=("greeting.prompt", b"Hello")),
    Asked(2, "GET /spend/logs/ui/{request_id:str}"),
    Asked(2, "GET /spend/capture_rate", query=_DATES),
    Asked(0, "POST /global/spend/refresh"),
    Asked(34, "GET /books/check"),
    Asked(
        4,
        "POST /books/refund",
        {"entity_type": "key", "entity_id": "{spender}", "amount": 0.000001, "reason": "x"},
    ),
    Asked(0, "GET /books/holds", keeps={"charge_id": "0/charge_id"}),
    Asked(0, "POST /books/holds/release", {"charge_id": "{charge_id}"}, holds_drain=True),
    Asked(2, "GET /audit", query={"page_size": 1}, keeps={"entry_id": "audit_logs/0/id"}),
    Asked(1, "GET /audit/{entry_id:str}"),
    Asked(10, "POST /global/spend/reset"),
)
