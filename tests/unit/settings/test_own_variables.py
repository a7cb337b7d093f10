"""Nothing that the database keeps refers to secrets of the gateway itself."""

import pytest

from gateway.errors import ConfigError
from gateway.settings.node import build_node
from gateway.settings.own_variables import refuse_own_secrets


@pytest.mark.parametrize(
    "text", ["os.environ/{}", "Bearer os.environ/{}", "os.environ/OK and os.environ/{}."]
)
@pytest.mark.parametrize("name", ["LITELLM_MASTER_KEY", "GATEWAY_SALT_KEY", "DATABASE_URL", "REDIS_PASSWORD"])
def test_a_reference_to_an_own_secret_is_refused_wherever_it_stands(name: str, text: str) -> None:
    members = {"params": {"headers": [{"x-key": text.format(name)}]}}

    with pytest.raises(ConfigError, match=name) as caught:
        refuse_own_secrets(build_node(members, "row"))

    assert caught.value.path == "row.params.headers[0].x-key"


def test_keys_of_providers_may_be_referred_to() -> None:
    members = {"api_key": "os.environ/OPENAI_API_KEY", "note": "DATABASE_URL", "rpm": 3}

    refuse_own_secrets(build_node(members, "row"))
