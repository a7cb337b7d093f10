"""What is asked of models, credentials, their groups and their prices."""

from tests.integration.manage.asked import Asked

__all__ = ["ROWS"]

_MOCK = {"model": "mock/x", "mock_response": "Hello"}
_ASKED = {"messages": [{"role": "user", "content": "Say hello"}]}
_CREDENTIAL = "/credentials/{credential_name:path}"

ROWS: tuple[Asked, ...] = (
    Asked(0, "GET /v1/models"),
    Asked(0, "GET /v1/models/{model_id:path}"),
    # The tag of the client is looked up, as in the first model request that has it.
    Asked(1, "GET /v1/responses/{response_id:str}"),
    Asked(0, "GET /v1/responses/{response_id:str}/input_items"),
    Asked(0, "DELETE /v1/responses/{response_id:str}"),
    Asked(
        4,
        "POST /credentials",
        {"credential_name": "c", "credential_info": {}, "credential_values": {"api_key": "sk-x"}},
    ),
    Asked(2, "GET /credentials/by_name/{credential_name:path}"),
    Asked(2, f"GET {_CREDENTIAL}"),
    Asked(5, f"PATCH {_CREDENTIAL}", {"credential_info": {}, "credential_values": {"api_key": "sk-y"}}),
    Asked(
        3,
        "POST /model/new",
        {"model_name": "stored", "litellm_params": {**_MOCK, "litellm_credential_name": "c"}},
        keeps={"model_id": "model_id"},
    ),
    Asked(1, "GET /credentials/by_model/{model_id:path}"),
    Asked(4, "POST /model/update", {"model_info": {"id": "{model_id}"}, "litellm_params": _MOCK}),
    Asked(4, "PATCH /model/{model_id:str}/update", {"model_name": "stored"}),
    Asked(4, "POST /model/block", {"model_id": "{model_id}"}),
    Asked(4, "POST /model/unblock", {"model_id": "{model_id}"}),
    Asked(0, "GET /v1/model/info"),
    Asked(0, "GET /v2/model/info"),
    Asked(0, "GET /model_group/info"),
    Asked(4, "POST /access_group/new", {"access_group": "tier", "model_names": ["stored"]}),
    Asked(1, "GET /access_group/{access_group:str}/info"),
    Asked(1, "PUT /access_group/{access_group:str}/update", {"model_names": ["stored"]}),
    Asked(11, "PUT /access_group/{access_group:str}/budget", {"max_budget": 5}),
    Asked(3, "GET /access_group/{access_group:str}/budget"),
    Asked(9, "DELETE /access_group/{access_group:str}/budget"),
    Asked(4, "DELETE /access_group/{access_group:str}/delete"),
    Asked(8, "POST /fallback", {"model": "m", "fallback_models": ["n"]}),
    Asked(0, "GET /fallback/{model:path}"),
    Asked(8, "DELETE /fallback/{model:path}"),
    Asked(5, "POST /model_group/make_public", {"model_groups": ["m"]}),
    Asked(5, "POST /model_hub/update_useful_links", {"useful_links": {"docs": "https://example.com"}}),
    Asked(0, "GET /public/model_hub"),
    Asked(0, "GET /public/model_hub/info"),
    Asked(0, "GET /public/v1/model_hub"),
    Asked(0, "GET /public/v1/model_hub/{facet:str}"),
    Asked(0, "GET /public/providers"),
    Asked(0, "GET /public/providers/fields"),
    Asked(0, "GET /public/endpoints"),
    Asked(0, "GET /model/settings"),
    Asked(0, "GET /model/cost_map/source"),
    Asked(0, "GET /model/deprecations"),
    Asked(
        0,
        "POST /cost/predict-cache",
        {"current_deployment_id": "m-id", "candidate_deployment_id": "n-id", "request": _ASKED},
    ),
    Asked(0, "POST /cost/estimate", {"model": "m", "input_tokens": 1, "output_tokens": 1}),
    Asked(0, "POST /spend/calculate", {"model": "m", **_ASKED}),
    Asked(7, "POST /reload/model_cost_map"),
    Asked(7, "POST /schedule/model_cost_map_reload", query={"hours": 6}),
    Asked(1, "GET /schedule/model_cost_map_reload/status"),
    Asked(7, "DELETE /schedule/model_cost_map_reload"),
    Asked(0, "GET /router/fields"),
    Asked(1, "GET /router/settings"),
    Asked(1, "GET /health", holds_drain=True),
    Asked(1, "GET /health/latest"),
    Asked(0, "POST /health/test_connection", {"litellm_params": _MOCK, "mode": "chat"}),
    Asked(4, "POST /model/delete", {"id": "{model_id}"}),
    Asked(5, f"DELETE {_CREDENTIAL}"),
    Asked(15, "GET /credentials/migrate-encryption/check"),
    Asked(19, "POST /credentials/migrate-encryption"),
)
