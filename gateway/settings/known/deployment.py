"""The keys of one item of `model_list`: of the item, its `litellm_params` and its `model_info`."""

from gateway.settings.known.entry import harmless, no_effect, refused, supported, supported_all

__all__ = ["CREDENTIAL_KEYS", "INFO_KEYS", "ITEM_KEYS", "OPEN_PREFIXES", "PARAMS_KEYS", "UNSENT_PREFIXES"]

ITEM_KEYS = (
    supported("model_name", "The name that clients use; several items may share one."),
    supported("litellm_params", "How to reach the model."),
    supported("model_info", "What is known about the model: id, mode, prices, limits."),
    *harmless("rpm tpm max_parallel_requests tags description"),
)

CREDENTIAL_KEYS = (
    supported("credential_name", "The name that `litellm_credential_name` gives."),
    supported("credential_values", "The values, such as `api_key` and `api_base`."),
    supported("credential_info", "Anything worth noting about it."),
)

OPEN_PREFIXES = (
    "input_cost_",
    "output_cost_",
    "cache_read_",
    "cache_creation_",
    "search_context_cost_",
    "code_interpreter_",
    "file_search_cost_",
    "ocr_cost_",
    "supports_",
    "health_check_",
    "aws_",
    "azure_",
    "vertex_",
    "watsonx_",
    "s3_",
    "gcs_",
    "oci_",
    "sap_",
    "mock_",
    "complexity_router_",
    "auto_router_",
)
"""Families of keys whose members are many: prices, capabilities and providers' own settings."""

UNSENT_PREFIXES = (
    "aws_",
    "vertex_",
    "watsonx_",
    "s3_",
    "gcs_",
    "oci_",
    "sap_",
    "health_check_",
    "supports_",
    "complexity_router_",
    "auto_router_",
)
"""Families that no deployment acts on yet. Some are credentials, so that they must never go upstream."""

PARAMS_KEYS = (
    supported("model", "The provider and its name for the model: `openai/gpt-4o-mini`, `mock/any`."),
    supported("api_key", "The provider's credential."),
    supported("api_base", "The provider's address, where it is not the usual one."),
    supported("base_url", "Another name for `api_base`."),
    supported("api_version", "Azure's API version."),
    supported("organization", "OpenAI's organization."),
    supported("custom_llm_provider", "The provider, where `model` does not say it."),
    supported("litellm_credential_name", "An item of `credential_list` that these values come from."),
    supported("rpm", "Requests per minute; the weight of the deployment where it has no `weight`."),
    supported("tpm", "Tokens per minute; the weight of the deployment where it has neither."),
    supported("weight", "How often this deployment is chosen, relative to the others of its name."),
    supported("order", "Deployments of the lowest order are tried first."),
    supported("max_parallel_requests", "Calls to this deployment at a time."),
    supported("timeout", "Seconds for a whole call."),
    supported("stream_timeout", "Seconds a stream may be silent."),
    supported("max_retries", "Retries of a call that began at this deployment."),
    supported("cooldown_time", "Seconds this deployment is left alone after failures."),
    supported("tags", "Noted on the deployment."),
    supported("region_name", "The deployment's region."),
    supported("mock_response", "Answers this text without calling anybody."),
    supported("extra_headers", "Headers to send along."),
    supported("drop_params", "Wins over the same key of `litellm_settings`."),
    supported("additional_drop_params", "Parameters never sent, whatever the provider takes."),
    supported("allowed_openai_params", "Parameters sent although the table of providers says no."),
    supported("base_model", "As in `model_info`."),
    supported(
        "configurable_clientside_auth_params",
        "What a request may choose itself: `api_key`, `api_base`, or `{api_base: pattern}`.",
    ),
    supported("azure_ad_token", "Azure's other credential."),
    supported("on_disconnect", "`drain` or `cancel`: what becomes of a call whose client has left."),
    *supported_all(
        "temperature top_p top_k max_tokens max_completion_tokens stop seed n "
        "presence_penalty frequency_penalty logit_bias logprobs top_logprobs response_format "
        "tools tool_choice parallel_tool_calls reasoning_effort thinking service_tier store "
        "stream_options user dimensions encoding_format modalities audio prediction "
        "web_search_options extra_body extra_query metadata verbosity best_of min_p "
        "repetition_penalty safety_identifier prompt_cache_key input_type keep_alive think",
        "Sent upstream where the caller names none.",
    ),
    supported("max_budget", "USD after which the deployment is not chosen any more."),
    supported("budget_duration", "When `max_budget` starts anew; without it never."),
    supported("guardrails", "The names of the guardrails of every call of this model."),
    refused("default_api_key_rpm_limit"),
    refused("default_api_key_tpm_limit"),
    refused("allowed_users"),
    no_effect(
        "use_in_pass_through", "Pass-throughs name their credentials themselves; see docs/pass-through.md."
    ),
    no_effect("use_litellm_proxy", "Name the other gateway in `api_base`."),
    *harmless(
        "itpm otpm max_file_size_mb model_info litellm_trace_id num_retries fallbacks "
        "context_window_fallback_dict cache merge_reasoning_content_in_choices "
        "hf_model_name client_id client_secret tenant_id project project_id "
        "space_id token credentials bucket_name use_chat_completions_api model_template prompt_id "
        "prompt_variables ssl_verify stream headers max_input_tokens max_output_tokens "
        "litellm_system_prompt cache_control_injection_points custom_tokenizer "
        "deployment_id"
    ),
)

INFO_KEYS = (
    supported("id", "The deployment's id; made from its settings where it is not given."),
    supported("mode", "`chat`, `completion` or `embedding`."),
    supported("base_model", "The model whose price holds, such as for Azure's deployment names."),
    supported("access_groups", "Names that stand for this model in a key's list."),
    supported("max_tokens", "Output tokens at most."),
    supported("max_input_tokens", "Input tokens at most."),
    supported("max_output_tokens", "Output tokens at most."),
    supported("litellm_provider", "The provider whose price holds."),
    supported("team_id", "The only team that may use the model.", restricts=True),
    supported("team_public_model_name", "The name under which that team has the model."),
    supported("deprecation_date", "When the provider stops serving the model (`2026-12-31`); only told."),
    supported("disable_background_health_check", "Leaves the deployment out of background checks."),
    supported("health_check_model", "The provider's model to check in the place of this one."),
    supported("health_check_timeout", "Seconds that a check may take (30)."),
    supported("health_check_max_tokens", "Tokens that a check asks for (1)."),
    refused("blocked"),
    *harmless(
        "db_model updated_at updated_by created_at created_by tier "
        "description metadata version key direct_access "
        "member_ids output_vector_size tpm rpm custom_tokenizer input_type"
    ),
)
