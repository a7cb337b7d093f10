import pytest

from gateway.access.pass_through import PassThroughChecks
from gateway.clock import SystemClock
from gateway.domain import Endpoint
from gateway.errors import AuthenticationFailed
from gateway.hooks import RequestContext, RequestHead
from gateway.settings import AccessSettings
from gateway.testing import make_context, make_head

CHECKS = PassThroughChecks(SystemClock(), AccessSettings(enforce_user_param=True))


def request(endpoint: Endpoint, head: RequestHead) -> RequestContext:
    return make_context({}, endpoint=endpoint, head=head)


async def test_who_sends_something_to_a_pass_through_names_the_end_user_in_a_header() -> None:
    with pytest.raises(AuthenticationFailed, match="in the header x-litellm-end-user-id"):
        await CHECKS.authorize(request(Endpoint.PASS_THROUGH, make_head("/svc")))
    await CHECKS.authorize(request(Endpoint.PASS_THROUGH, make_head("/svc", x_litellm_end_user_id="ann")))
    await CHECKS.authorize(request(Endpoint.PASS_THROUGH, RequestHead("GET", "/svc", {})))


async def test_clients_of_mcp_servers_need_name_no_end_user() -> None:
    """Their protocol has no place for one."""
    await CHECKS.authorize(request(Endpoint.MCP, make_head("/mcp")))
