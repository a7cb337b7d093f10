"""How one request ended, for those that are told afterwards."""

import msgspec

from gateway.domain.usage import Usage

__all__ = ["Charge", "Completion"]


class Charge(msgspec.Struct, frozen=True, gc=False):
    """What one request cost, in nano-dollars; the parts add up to `total` but for the one rounding.

    `is_priced` is False when the gateway knew no price: the total is then 0 and the record says `unpriced`.
    """

    total: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_creation: int = 0
    reasoning: int = 0
    per_request: int = 0
    is_priced: bool = True


class Completion(msgspec.Struct, frozen=True, gc=False):
    """The end of one admitted request.

    `status` is `success` or `failure`. `error_type` is the type of the answer's error object. Times are
    nanoseconds since 1970; `first_byte_nanos` is None where nothing was streamed. `upstream_nanos` is how
    long the gateway waited for the provider. `model_group` is the name that led to the deployment.
    """

    charge_id: str
    request_id: str
    status: str
    usage: Usage
    charge: Charge
    deployment_id: str | None
    provider: str | None
    upstream_model: str | None
    started_nanos: int
    ended_nanos: int
    first_byte_nanos: int | None = None
    upstream_nanos: int = 0
    model_group: str | None = None
    attempted_retries: int = 0
    attempted_fallbacks: int = 0
    error_type: str | None = None
    error_message: str | None = None
    is_client_gone: bool = False
