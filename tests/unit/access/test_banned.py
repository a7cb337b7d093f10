import msgspec
import pytest

from gateway.access.banned import check_banned
from gateway.errors import BannedParameter
from gateway.hooks import RequestBody
from gateway.wire.openai import ORDINARY_MEMBERS


def refused_path(body: object) -> str | None:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    try:
        check_banned(RequestBody.parse(data))
    except BannedParameter as error:
        return error.param
    return None


def test_a_refusal_is_a_400_that_names_the_path():
    with pytest.raises(BannedParameter, match=r"'metadata\.api_base' is not allowed") as raised:
        check_banned(RequestBody.parse(b'{"metadata": {"api_base": "x"}}'))
    assert (raised.value.status, raised.value.param) == (400, "metadata.api_base")


@pytest.mark.parametrize(
    "name",
    [
        *("api_key", "api_base", "base_url", "user_config", "model_list", "extra_body"),
        *("aws_secret_access_key", "vertex_credentials", "azure_ad_token", "litellm_credential_name"),
        *(
            "input_cost_per_token",
            "output_cost_per_second",
            "cache_read_input_token_cost_per_x",
            "model_info",
        ),
    ],
)
def test_members_that_choose_upstream_credential_or_price_are_refused(name):
    assert refused_path({"model": "m", name: "x"}) == name
    assert refused_path({"model": "m", name: None}) == name


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"metadata": {"api_base": "http://x"}}, "metadata.api_base"),
        ({"metadata": {"a": [{"b": {"base_url": "x"}}]}}, "metadata.a[0].b.base_url"),
        ({"litellm_metadata": {"user_config": {}}}, "litellm_metadata.user_config"),
        ({"fallbacks": [{"model": "m", "api_key": "x"}]}, "fallbacks[0].api_key"),
        ({"guardrails": [{"g": {"extra_body": {"api_base": "x"}}}]}, "guardrails[0].g.extra_body.api_base"),
        ({"metadata": {"input_cost_per_token": 0}}, "metadata.input_cost_per_token"),
        (rb'{"metadata": {"api\u005fbase": "x"}}', "metadata.api_base"),
        (rb'{"metadata": {"input_cost\u005fper_token": 0}}', "metadata.input_cost_per_token"),
        (rb'{"api\u005fbase": "x"}', "api_base"),
        (b'{"metadata": {}, "metadata": {"api_base": 1}}', "metadata.api_base"),
    ],
)
def test_they_are_found_inside_the_gateways_own_options_however_they_are_spelt(body, path):
    assert refused_path(body) == path


@pytest.mark.parametrize(
    "body",
    [
        {"model": "m", "messages": [{"role": "user", "content": '"api_base": what is it?'}]},
        {"tools": [{"function": {"parameters": {"properties": {"api_key": {"type": "string"}}}}}]},
        {"metadata": {"note": "the api_base is down", "client": "web", "organization": "x"}},
        {"guardrails": [{"g": {"extra_body": {"threshold": 1}}}]},
        {"metadata": None, "fallbacks": []},
    ],
)
def test_words_and_tools_of_the_client_are_its_own(body):
    assert refused_path(body) is None


@pytest.mark.parametrize("name", sorted(ORDINARY_MEMBERS))
def test_what_is_looked_at_only_beside_others_could_not_be_refused_anyway(name):
    assert refused_path({name: {"api_base": "x", "input_cost_per_token": 1}, "beside": 1}) is None
