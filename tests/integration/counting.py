"""The SQL statements that a request sends, and none that the gateway sends beside it."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator

from gateway.db.pool import StatementCounter
from gateway.domain import Scope, ScopeKind
from gateway.identity.invalidation import CHANNEL, encode_scopes
from tests.integration.serving import LiveGateway, eventually

__all__ = ["Counted", "counting", "heard", "quiet", "reread"]

_LONGEST_SECONDS = 30.0
_OF_THE_DRIVER = ("typeinfo_tree", "current_setting('jit')", "set_config('jit', $1, false)")
"""It looks types of lists up once for each connection of the pool."""
_OF_A_TIMER = ("AS gateway_nanos",)
"""The gateway's own budgets are read a moment after a change, and now and then."""
_REREADS = (
    "ORDER BY created_at, model_id",
    "ORDER BY credential_name",
    "ORDER BY created_at, guardrail_id",
    "ORDER BY param_name",
    "version_number DESC",
    "ORDER BY created_at, attachment_id",
    "ORDER BY tool_name",
    "ORDER BY created_at, server_id",
    "ORDER BY toolset_name",
)
"""Every change of models and settings has them read anew, which is no part of the route."""


class Counted:
    """The statements that were sent until now, each in one line."""

    def __init__(self, counter: StatementCounter) -> None:
        self._counter = counter

    def __len__(self) -> int:
        return len(self.statements)

    @property
    def statements(self) -> list[str]:
        lines = (" ".join(sql.split()) for sql in self._counter.statements)
        return [
            line
            for line in lines
            if not any(word in line for word in _OF_THE_DRIVER + _OF_A_TIMER) and not line.endswith(_REREADS)
        ]


async def heard(live: LiveGateway) -> None:
    """Return when the worker has heard all that was told so far, such as that there is a new key.

    What is made and asked for at once may have to be looked up again: a notice comes when it comes.
    """
    listener = live.gateway.parts.listener
    act, came = listener._on_payload, asyncio.Event()
    # Of an object that nobody has, so that nothing else is forgotten.
    (notice,) = encode_scopes([Scope(ScopeKind.PROJECT, f"none-{secrets.token_hex(8)}")])

    def listen(payload: str) -> None:
        act(payload)
        if payload == notice:
            came.set()

    listener._on_payload = listen
    try:
        await live.gateway.parts.database.execute("SELECT pg_notify($1, $2)", CHANNEL, notice)
        async with asyncio.timeout(_LONGEST_SECONDS):
            await came.wait()
    finally:
        listener._on_payload = act


async def quiet(live: LiveGateway) -> None:
    """Return when everything is written down and heard that was done so far."""
    await live.settled()
    await live.gateway.parts.drain.flush()
    await heard(live)


async def reread(live: LiveGateway) -> None:
    """Return when the worker serves what the database said when it heard last."""
    changed = live.gateway.parts.added._changed
    # Who reads waits for the next change when it has done with the last.
    await eventually(lambda: not changed.is_set() and bool(changed._waiters))


@contextlib.asynccontextmanager
async def counting(live: LiveGateway, *, holds_drain: bool = False) -> AsyncIterator[Counted]:
    """Count what is sent from when all is quiet.

    What has a cost is drained when it is; where that is asked for, `holds_drain` keeps it until afterwards.
    Reports drain by themselves, and would wait for ever.
    """
    await quiet(live)
    turn = live.gateway.parts.drain._turn if holds_drain else contextlib.nullcontext()
    async with turn, live.gateway.parts.database.count_statements() as counter:
        yield Counted(counter)
