"""Does a management request again whose transaction lost against another one."""

import asyncio
import random
from collections.abc import Callable

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from gateway.db.attempts import Attempt, Attempts

__all__ = ["build_repeating"]

_ATTEMPTS = 3
_LONGEST_PAUSE_SECONDS = 0.05


def build_repeating(attempts: Attempts) -> Callable[[ASGIApp], ASGIApp]:
    """Build middleware: three attempts, as long as nothing was committed and nothing answered.

    A deadlock ends when one of its transactions is rolled back; what that one wanted is still to be done,
    and mostly can be at once. The answer of the last attempt is the answer: 503 with `retry-after`.
    """

    # Functions, because Litestar makes deep copies of whatever it is given for a router.
    def wrap(app: ASGIApp) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            for _ in range(_ATTEMPTS - 1):
                with attempts.watch() as attempt:
                    answer = _Answer(send, attempt)
                    await app(scope, receive, answer.send)
                if not answer.is_withheld:
                    return
                await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE_SECONDS))  # noqa: S311  it spreads load
            await app(scope, receive, send)

        return serve

    return wrap


class _Answer:
    """Lets an answer through, unless the attempt is to be repeated when it begins."""

    def __init__(self, send: Send, attempt: Attempt) -> None:
        self.is_withheld = False
        self._is_begun = False
        self._send = send
        self._attempt = attempt

    async def send(self, message: Message) -> None:
        if not self._is_begun:
            self._is_begun = True
            self.is_withheld = self._attempt.may_repeat
        if not self.is_withheld:
            await self._send(message)
