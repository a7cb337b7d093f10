"""What callers have used up."""

from gateway.errors.root import GatewayError

__all__ = ["BudgetExceeded", "RateLimited"]


class BudgetExceeded(GatewayError):
    """A budget is used up; `details` carry scope, spend, limit (USD) and reset time.

    `key_model` is the model or pattern of a budget that a key has for it, None for any other budget.
    """

    status = 422
    type = "budget_exceeded"
    key_model: str | None = None


class RateLimited(GatewayError):
    """A rate limit is used up; `headers` carry an exact `retry-after` in seconds."""

    status = 429
    type = "rate_limit_error"
