"""What is asked of guardrails, policies and tools."""

from tests.integration.manage.asked import Asked

__all__ = ["ROWS"]

_WORDS = {"guardrail": "keywords", "mode": "pre_call", "blocked_words": [{"keyword": "zeppelin"}]}
_STORED = {"guardrail": {"guardrail_name": "stored", "litellm_params": _WORDS}}
_SUBMITTED = {"litellm_params": _WORDS, "team_id": "t-1"}
_STEPS = {"mode": "pre_call", "steps": [{"guardrail": "words", "on_pass": "allow", "on_fail": "block"}]}
_MESSAGES = [{"role": "user", "content": "Say hello"}]
_POLICY, _TOOL = "/policies/{policy_id:str}", "/v1/tool/{tool_name:str}"
_ATTACHMENT = {"policy_name": "p", "teams": ["Blue"]}
_INPUTS = {"guardrail_names": ["words"], "inputs_list": [{"texts": ["Say hello"]}]}

ROWS: tuple[Asked, ...] = (
    Asked(0, "GET /guardrails/ui/provider_specific_params"),
    Asked(0, "GET /guardrails/ui/add_guardrail_settings"),
    Asked(0, "POST /guardrails/validate_blocked_words_file", {"file_content": "blocked_words: []"}),
    Asked(0, "POST /guardrails/apply_guardrail", {"guardrail_name": "words", "text": "Say hello"}),
    Asked(4, "POST /guardrails", _STORED, keeps={"guardrail_id": "guardrail_id"}),
    Asked(1, "GET /guardrails/{guardrail_id:str}"),
    Asked(5, "PUT /guardrails/{guardrail_id:str}", _STORED),
    Asked(5, "PATCH /guardrails/{guardrail_id:str}", {"guardrail_info": {"a": 1}}),
    Asked(4, "GET /guardrails/usage/detail/{guardrail_id:str}"),
    Asked(4, "DELETE /guardrails/{guardrail_id:str}"),
    Asked(
        8,
        "POST /guardrails/register",
        {**_SUBMITTED, "guardrail_name": "sent"},
        by="user_key",
        keeps={"guardrail_id": "guardrail_id"},
    ),
    Asked(2, "GET /guardrails/submissions/{guardrail_id:str}"),
    Asked(4, "POST /guardrails/submissions/{guardrail_id:str}/approve"),
    Asked(
        8,
        "POST /guardrails/register",
        {**_SUBMITTED, "guardrail_name": "bad"},
        by="user_key",
        keeps={"guardrail_id": "guardrail_id"},
    ),
    Asked(3, "POST /guardrails/submissions/{guardrail_id:str}/reject"),
    Asked(
        5, "POST /policies", {"policy_name": "p", "guardrails_add": ["words"]}, keeps={"first": "policy_id"}
    ),
    Asked(7, "POST /policies/name/{policy_name:str}/versions", {}, keeps={"policy_id": "policy_id"}),
    Asked(5, f"PUT {_POLICY}", {"description": "x"}),
    Asked(1, f"GET {_POLICY}"),
    Asked(1, f"GET {_POLICY}/resolved-guardrails"),
    Asked(5, f"PUT {_POLICY}/status", {"version_status": "published"}),
    Asked(2, "GET /policies/compare", query={"version_a": "{first}", "version_b": "{policy_id}"}),
    Asked(6, "POST /policies/attachments", _ATTACHMENT, keeps={"attachment_id": "attachment_id"}),
    Asked(1, "GET /policies/attachments/{attachment_id:str}"),
    Asked(2, "POST /policies/attachments/estimate-impact", _ATTACHMENT),
    Asked(0, "POST /policies/resolve", {"team_alias": "Blue"}),
    Asked(0, "POST /policy/test", {"team_alias": "Blue"}),
    Asked(0, "GET /policy/info/{policy_name:str}"),
    Asked(0, "POST /policy/validate", {"policies": {"good": {"guardrails": {"add": ["words"]}}}}),
    Asked(0, "POST /policies/test-pipeline", {"pipeline": _STEPS, "test_messages": _MESSAGES}),
    Asked(0, "POST /utils/test_policies_and_guardrails", _INPUTS),
    Asked(0, "GET /policy/templates"),
    Asked(
        0,
        "POST /policy/templates/enrich",
        {"template_id": "competitors", "parameters": {}, "competitors": ["Acme"]},
    ),
    Asked(0, "POST /policy/templates/suggest", {"description": "Do not praise competitors."}),
    Asked(
        0,
        "POST /policy/templates/test",
        {"guardrail_definitions": [{"guardrail_name": "new", "litellm_params": _WORDS}], "text": "Say hello"},
    ),
    Asked(4, "DELETE /policies/attachments/{attachment_id:str}"),
    Asked(8, f"DELETE {_POLICY}"),
    Asked(8, "DELETE /policies/name/{policy_name:str}/all-versions"),
    Asked(2, "POST /compliance/eu-ai-act", {"request_id": "{request_id}"}),
    Asked(2, "POST /compliance/gdpr", {"request_id": "{request_id}"}),
    Asked(0, "GET /v1/tool/policy/options"),
    Asked(6, "POST /v1/tool/policy", {"tool_name": "tool", "input_policy": "blocked"}),
    Asked(12, "POST /v1/tool/policy", {"tool_name": "tool", "input_policy": "blocked", "team_id": "t-1"}),
    Asked(2, f"GET {_TOOL}"),
    Asked(3, f"GET {_TOOL}/detail"),
    Asked(16, f"DELETE {_TOOL}/overrides", query={"team_id": "t-1"}),
)
