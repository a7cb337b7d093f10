"""What a configuration says that holds for everybody, as services of the management API ask for it."""

from gateway.runtime import Gateway

__all__ = ["everybodys_budget"]


def everybodys_budget(gateway: Gateway) -> str | None:
    """The id of the budget row of end users who have none: whoever changes it changes everybody's."""
    return gateway.snapshot.settings.access.end_user_budget_id
