"""How a deployment wants to be checked: the members `health_check_*` of its `model_info`."""

import msgspec

from gateway.domain import Deployment

__all__ = ["CheckWishes", "read_check_wishes"]

_SECONDS = 30.0
_MOST_SECONDS = 120.0
_MOST_TOKENS = 4_096


class CheckWishes(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: another `model` of the same provider, so many tokens, and for how long.

    `is_left_out` leaves the deployment to checks by hand.
    """

    model: str | None = None
    max_tokens: int = 1
    timeout_seconds: float = _SECONDS
    is_left_out: bool = False


def read_check_wishes(deployment: Deployment) -> CheckWishes:
    """The wishes of a deployment; a value of a wrong type is passed over."""
    info = deployment.model_info
    model, tokens = info.get("health_check_model"), info.get("health_check_max_tokens")
    seconds = info.get("health_check_timeout")
    return CheckWishes(
        model=model.removeprefix(f"{deployment.provider}/") if isinstance(model, str) and model else None,
        max_tokens=min(tokens, _MOST_TOKENS) if type(tokens) is int and tokens > 0 else 1,
        timeout_seconds=(
            min(float(seconds), _MOST_SECONDS)
            if isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0
            else _SECONDS
        ),
        is_left_out=info.get("disable_background_health_check") is True,
    )
