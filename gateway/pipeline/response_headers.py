"""What an answer's headers tell: who answered, what it cost, what is left."""

import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from gateway.domain import Charge
from gateway.hooks import HeaderPairs
from gateway.money import usd_text
from gateway.pipeline.call import Call
from gateway.pipeline.exchange import Headers
from gateway.routing.router import Routed

__all__ = ["VERSION", "build_headers", "tell_policies"]

VERSION = ("x-litellm-version", version("gatewright"))
_NO_RETRIES = ("x-litellm-attempted-retries", "0")
_NO_FALLBACKS = ("x-litellm-attempted-fallbacks", "0")
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
_NOT_PLAIN = re.compile(r"[^\x20-\x7e]")
_LONGEST = 2_000
"""Characters of a header that tells policies."""


def build_headers(call: Call, routed: Routed[Any], upstream: HeaderPairs, charge: Charge | None) -> Headers:
    """Build the contract's headers; `charge` is None while a stream is only beginning.

    The upstream's address is never told.
    """
    settlement = call.settlement
    now = call.gateway.clock.monotonic_nanos
    elapsed = now() - call.exchange.started_monotonic
    overhead = elapsed - settlement.upstream_nanos
    retries, fallbacks = routed.attempted_retries, routed.attempted_fallbacks
    headers: Headers = [
        VERSION,
        ("x-litellm-call-id", call.context.call_id),
        ("x-litellm-model-id", routed.deployment.id),
        ("x-litellm-model-group", routed.group.name),
        ("x-litellm-response-duration-ms", _millis_text(elapsed)),
        ("x-litellm-overhead-duration-ms", _millis_text(overhead) if overhead > 0 else "0.000"),
        ("x-litellm-attempted-retries", str(retries)) if retries else _NO_RETRIES,
        ("x-litellm-attempted-fallbacks", str(fallbacks)) if fallbacks else _NO_FALLBACKS,
    ]
    if charge is not None and charge.is_priced:
        headers += (
            ("x-litellm-response-cost", usd_text(charge.total)),
            ("x-litellm-response-cost-input", usd_text(charge.input)),
            ("x-litellm-response-cost-output", usd_text(charge.output)),
        )
    headers += settlement.admission.headers()
    if settlement.guards is not None:
        headers.append(("x-litellm-applied-guardrails", ",".join(settlement.guards.names)))
    if call.context.policies:
        headers += tell_policies(call.context.policies)
    for name, value in upstream:
        if name not in _HOP_BY_HOP:
            _add_provider_header(headers, name, value)
    return headers


def _millis_text(nanos: int) -> str:
    """Milliseconds to the microsecond; formatting a float would need code that nothing else here does."""
    digits = str(nanos // 1_000)
    if len(digits) < 4:  # noqa: PLR2004  one before the point and three behind it
        digits = digits.zfill(4)
    return f"{digits[:-3]}.{digits[-3:]}"


def tell_policies(policies: Sequence[tuple[str, str]]) -> Headers:
    """Which policies the call has, and why."""
    names = ",".join(name for name, _ in policies)
    sources = "; ".join(f"{name}={reason}" for name, reason in policies)
    return [("x-litellm-applied-policies", _plain(names)), ("x-litellm-policy-sources", _plain(sources))]


def _plain(text: str) -> str:
    """The text as a header may hold it: a reason tells a tag, which the request chose itself."""
    return _NOT_PLAIN.sub("?", text[:_LONGEST])


def _add_provider_header(headers: Headers, name: str, value: str) -> None:
    if name.startswith("x-ratelimit-"):
        headers.append((name, value))
    headers.append((f"llm_provider-{name}", value))
