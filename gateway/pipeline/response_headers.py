"""What an answer's headers tell: who answered, what it cost, what is left."""

from importlib.metadata import version
from typing import Any

from gateway.domain import Charge
from gateway.money import NANOS_PER_USD
from gateway.pipeline.answers import Headers
from gateway.pipeline.call import Call
from gateway.routing.router import Routed
from gateway.upstream.client import HeaderPairs

__all__ = ["build_headers"]

_VERSION = (b"x-litellm-version", version("gatewright").encode())
_NO_RETRIES = (b"x-litellm-attempted-retries", b"0")
_NO_FALLBACKS = (b"x-litellm-attempted-fallbacks", b"0")
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "keep-alive",
        "server",
        "set-cookie",
        "transfer-encoding",
        "location",
        "alt-svc",
        "via",
    }
)
"""Headers of the provider that describe its connection, its body's coding or its address, not its answer."""
_NANOS_PER_MS = 1_000_000


def build_headers(call: Call, routed: Routed[Any], upstream: HeaderPairs, charge: Charge | None) -> Headers:
    """Build the contract's headers; `charge` is None while a stream is only beginning.

    The upstream's address is never told.
    """
    settlement = call.settlement
    elapsed = call.gateway.clock.monotonic_nanos() - call.exchange.started_monotonic
    overhead = elapsed - settlement.upstream_nanos
    retries, fallbacks = routed.attempted_retries, routed.attempted_fallbacks
    headers: Headers = [
        _VERSION,
        (b"x-litellm-call-id", call.context.call_id.encode("latin-1", "replace")),
        (b"x-litellm-model-id", routed.deployment.id.encode("latin-1", "replace")),
        (b"x-litellm-model-group", routed.group.name.encode("latin-1", "replace")),
        (b"x-litellm-response-duration-ms", b"%.3f" % (elapsed / _NANOS_PER_MS)),
        (b"x-litellm-overhead-duration-ms", b"%.3f" % (overhead / _NANOS_PER_MS if overhead > 0 else 0.0)),
        (b"x-litellm-attempted-retries", b"%d" % retries) if retries else _NO_RETRIES,
        (b"x-litellm-attempted-fallbacks", b"%d" % fallbacks) if fallbacks else _NO_FALLBACKS,
    ]
    if charge is not None and charge.is_priced:
        # `usd_from_nanos` spelled out; `%a` is the text of a number without a step in between.
        headers += (
            (b"x-litellm-response-cost", b"%a" % (charge.total / NANOS_PER_USD)),
            (b"x-litellm-response-cost-input", b"%a" % (charge.input / NANOS_PER_USD)),
            (b"x-litellm-response-cost-output", b"%a" % (charge.output / NANOS_PER_USD)),
        )
    headers += settlement.admission.headers()
    for name, value in upstream:
        if name not in _HOP_BY_HOP:
            _add_provider_header(headers, name, value)
    return headers


def _add_provider_header(headers: Headers, name: str, value: str) -> None:
    encoded = value.encode("latin-1", "replace")
    if name.startswith("x-ratelimit-"):
        headers.append((name.encode(), encoded))
    headers.append((b"llm_provider-" + name.encode(), encoded))
