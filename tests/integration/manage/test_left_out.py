"""A gateway with every plugin answers none of the routes that the page of routes that are not here names."""

import re

import pytest

from tests.docs.test_left_out import list_left_out
from tests.integration.manage.conftest import Desk
from tests.integration.serving import deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_is_left_out_is_answered_by_nobody(desk: Desk) -> None:
    live = desk.live
    live.configure(deployment("m", live.upstream), mcp_servers={})
    # Another method of the path may be there, or a thing may be of this name.
    answers = [
        f"{method} {path}: {answer.status_code}"
        for method, path in list_left_out()
        if (answer := await desk.ask(method, re.sub(r"\{\w+\}", "none", path))).status_code not in {404, 405}
    ]
    assert answers == []
