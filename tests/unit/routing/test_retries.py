import pytest

from gateway.domain import Deployment
from gateway.errors import (
    ContentPolicyViolation,
    UpstreamAuthenticationFailed,
    UpstreamBadRequest,
    UpstreamError,
    UpstreamInternalError,
    UpstreamRateLimited,
    UpstreamTimeout,
)
from gateway.routing.retries import retries_allowed
from gateway.settings import load_settings

DEPLOYMENT = Deployment(id="d", group="m", provider="openai", model="m", urls={})


@pytest.mark.parametrize(
    ("key", "error"),
    [
        ("BadRequestErrorRetries", UpstreamBadRequest),
        ("AuthenticationErrorRetries", UpstreamAuthenticationFailed),
        ("TimeoutErrorRetries", UpstreamTimeout),
        ("RateLimitErrorRetries", UpstreamRateLimited),
        ("ContentPolicyViolationErrorRetries", ContentPolicyViolation),
        ("InternalServerErrorRetries", UpstreamInternalError),
    ],
)
def test_every_key_of_the_contracts_retry_policy_reaches_its_errors(
    tmp_path, key: str, error: type[UpstreamError]
):
    path = tmp_path / "config.yaml"
    path.write_text(f"router_settings: {{num_retries: 0, retry_policy: {{{key}: 7}}}}")
    settings = load_settings(path, {"HOME": str(tmp_path)}).router
    assert retries_allowed(error("no"), DEPLOYMENT, 1, settings, None) == 7
    assert retries_allowed(UpstreamError("other"), DEPLOYMENT, 1, settings, None) == 0
