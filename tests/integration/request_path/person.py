"""A user of the gateway before a browser."""

import re
from typing import Any

import httpx

from tests.integration.serving import MASTER_KEY, LiveGateway

__all__ = ["Person", "manage"]

_PASSWORD = "a long enough password"


class Person:
    """A user before a browser in which it has logged in."""

    def __init__(self, live: LiveGateway, user_id: str) -> None:
        self.live = live
        self.user_id = user_id
        self.http = httpx.AsyncClient(base_url=live.origin, timeout=20)

    async def log_in(self) -> None:
        link = await manage(self.live, "/invitation/new", user_id=self.user_id)
        claim = {"invitation_link": link["id"], "user_id": self.user_id, "password": _PASSWORD}
        answer = await self.http.post("/onboarding/claim_token", json=claim)
        assert answer.status_code == 200, answer.text

    async def read(self, address: str) -> str:
        """The secret of the page on which it is asked."""
        page = await self.http.get(address)
        assert page.status_code == 200, page.text
        self.page = page
        found = re.search(r'name="consent" value="([^"]+)"', page.text)
        assert found is not None, page.text
        return found.group(1)

    async def decide(self, address: str, **said: str) -> str:
        """Where it is sent with its answer."""
        fields = {"consent": await self.read(address), "decision": "grant", **said}
        action = re.search(r'<form method="post" action="([^"]+)"', self.page.text)
        assert action is not None, self.page.text
        answer = await self.http.post(action.group(1), data=fields)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]


async def manage(live: LiveGateway, path: str, **body: object) -> Any:
    answer = await live.post(path, MASTER_KEY, body)
    assert answer.status_code == 200, answer.text
    return answer.json()
