"""What an answer's headers tell: who answered, what it cost, what is left."""

from importlib.metadata import version
from typing import Any

from gateway.domain import Charge
from gateway.money import usd_from_nanos
from gateway.pipeline.answers import Headers
from gateway.pipeline.call import Call
from gateway.routing.router import Routed
from gateway.upstream.client import HeaderPairs

__all__ = ["build_headers"]

_VERSION = (b"x-litellm-version", version("gatewright").encode())
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
    elapsed_nanos = call.elapsed_nanos
    overhead = max(0, elapsed_nanos - call.settlement.upstream_nanos)
    pairs = [
        ("x-litellm-call-id", call.context.call_id),
        ("x-litellm-model-id", routed.deployment.id),
        ("x-litellm-model-group", routed.group.name),
        ("x-litellm-response-duration-ms", f"{elapsed_nanos / _NANOS_PER_MS:.3f}"),
        ("x-litellm-overhead-duration-ms", f"{overhead / _NANOS_PER_MS:.3f}"),
        ("x-litellm-attempted-retries", str(routed.attempted_retries)),
        ("x-litellm-attempted-fallbacks", str(routed.attempted_fallbacks)),
    ]
    if charge is not None:
        pairs += _cost_headers(charge)
    pairs += call.settlement.admission.headers()
    headers: Headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in pairs]
    headers.append(_VERSION)
    headers += _provider_headers(upstream)
    return headers


def _cost_headers(charge: Charge) -> list[tuple[str, str]]:
    if not charge.is_priced:
        return []
    return [
        ("x-litellm-response-cost", str(usd_from_nanos(charge.total))),
        ("x-litellm-response-cost-input", str(usd_from_nanos(charge.input))),
        ("x-litellm-response-cost-output", str(usd_from_nanos(charge.output))),
    ]


def _provider_headers(upstream: HeaderPairs) -> Headers:
    found: Headers = []
    for name, value in upstream:
        if name in _HOP_BY_HOP:
            continue
        encoded = value.encode("latin-1", "replace")
        if name.startswith("x-ratelimit-"):
            found.append((name.encode(), encoded))
        found.append((b"llm_provider-" + name.encode(), encoded))
    return found
