"""Tells a client at once what something beside its call refuses."""

from functools import partial

from gateway.errors import GatewayError
from gateway.pipeline.answers import send_error
from gateway.pipeline.call import Call
from gateway.pipeline.guarding import CallGuards

__all__ = ["hear_beside"]


async def hear_beside(call: Call, guards: CallGuards) -> None:
    """Hear what goes on beside a call before it is sent, and have the client told of what is refused later.

    The call goes on to its end all the same: only then is it known what it did cost. Raises GatewayError for
    what is refused already.
    """
    guards.tell_at_once(partial(_tell, call))
    await guards.check_unsent()


async def _tell(call: Call, error: GatewayError) -> None:
    if not call.exchange.is_begun:
        tells = call.snapshot.settings.general.include_call_id_in_error_body
        await send_error(call.exchange, error, call.context.call_id, tells_call_id=tells)
