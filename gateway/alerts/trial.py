"""Sends a test through one channel, so that an operator sees that it works."""

from collections.abc import Sequence

from gateway.alerts.channels import Channel
from gateway.alerts.events import Alert, WebhookEvent
from gateway.alerts.posting import PostRefused
from gateway.domain import BudgetMark
from gateway.errors import ServiceUnavailable

__all__ = ["send_test"]


async def send_test(channels: Sequence[Channel], recipients: tuple[str, ...]) -> None:
    """Send one event that says that it is a test; raises ServiceUnavailable for a channel that failed."""
    event = WebhookEvent(
        event=BudgetMark.CROSSED,
        event_message="Test of an alert: nothing has happened",
        event_group="proxy",
        spend=0.0,
        max_budget=0.0,
    )
    for channel in channels:
        try:
            await channel.send(Alert(event, "test", recipients))
        except (OSError, PostRefused) as error:
            # The address is a credential with Slack; the kind of the error has none.
            raise ServiceUnavailable(f"The test could not be sent: {type(error).__name__}.") from error
