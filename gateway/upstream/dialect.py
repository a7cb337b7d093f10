"""How a request is put to a provider that speaks OpenAI."""

from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from gateway.domain import Deployment, Endpoint
from gateway.errors import BadRequest
from gateway.hooks import HeaderPairs
from gateway.hooks.body import RequestBody
from gateway.upstream.client import UpstreamRequest
from gateway.upstream.gateway_members import GATEWAY_MEMBERS, GATEWAY_PREFIXES
from gateway.upstream.param_limits import drop, drop_unwanted, refuse_unsupported
from gateway.wire.openai import ORDINARY_MEMBERS

__all__ = [
    "CallBounds",
    "asks_for_stream_usage",
    "build_stored_request",
    "build_upstream_request",
    "is_mock",
]

_encode = msgspec.json.Encoder().encode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

_USAGE_WANTED = msgspec.Raw(b'{"include_usage":true}')
_TRUE = msgspec.Raw(b"true")

# Compressed answers are refused: their size would only show after decompression.
_OF_ALL = (("accept-encoding", "identity"),)
_OWN_HEADERS = (("content-type", "application/json"), *_OF_ALL)


class CallBounds(msgspec.Struct, frozen=True):
    """What one call may take: bytes and seconds.

    `timeout_seconds` and `silence_seconds` are the caller's own wishes (`x-litellm-timeout`,
    `x-litellm-stream-timeout`); None leaves the deployment's. `stream_seconds` ends every stream.
    """

    max_response_bytes: int
    stream_seconds: float
    timeout_seconds: float | None = None
    silence_seconds: float | None = None


def build_upstream_request(
    deployment: Deployment,
    endpoint: Endpoint,
    body: RequestBody,
    *,
    is_stream: bool,
    bounds: CallBounds,
) -> UpstreamRequest:
    """Build the request to one deployment.

    The body is made anew from its members: the provider's name of the model, the operator's defaults where
    the caller has no such member, without dropped parameters and without what speaks to the gateway. A stream
    is asked for its usage if the provider can tell it. Nothing of the caller's headers is sent.

    Raises BadRequest when the deployment does not serve the endpoint, UnsupportedParams when it does not take
    what the request has.
    """
    members = _members(deployment, endpoint, body)
    # The Responses API tells usage in any case, and knows no such option.
    if is_stream and deployment.does_stream_usage and endpoint is not Endpoint.RESPONSES:
        _ask_for_usage(members)
    timeout = bounds.timeout_seconds or deployment.timeout_seconds
    return UpstreamRequest(
        _address(deployment, endpoint),
        _headers(deployment),
        _encode(members),
        bounds.stream_seconds if is_stream else timeout,
        bounds.silence_seconds or bounds.timeout_seconds or deployment.stream_timeout_seconds,
        bounds.max_response_bytes,
    )


def build_stored_request(
    deployment: Deployment, method: str, path: str, query: Mapping[str, str], bounds: CallBounds
) -> UpstreamRequest:
    """Build a request about a stored response; `path` is its id, and what follows it, as an address has it.

    Raises BadRequest when the deployment does not serve responses.
    """
    address, _, own = _address(deployment, Endpoint.RESPONSES).partition("?")
    asked = "&".join(filter(None, (own, urlencode(query))))
    url = f"{address}/{path}"
    return UpstreamRequest(
        f"{url}?{asked}" if asked else url,
        _headers(deployment, has_body=False),
        b"",
        deployment.timeout_seconds,
        deployment.stream_timeout_seconds,
        bounds.max_response_bytes,
        method,
    )


def is_mock(deployment: Deployment) -> bool:
    """Whether the gateway itself answers for this deployment."""
    return deployment.provider == "mock" or deployment.mock_response is not None


def asks_for_stream_usage(body: RequestBody) -> bool:
    """Whether the caller wants the usage chunk at the end of its stream (`stream_options.include_usage`)."""
    raw = body.members.get("stream_options")
    if raw is None:
        return False
    try:
        return bytes(_decode_members(raw).get("include_usage", b"")) == b"true"
    except msgspec.DecodeError:
        return False


def _members(deployment: Deployment, endpoint: Endpoint, body: RequestBody) -> dict[str, msgspec.Raw]:
    if ORDINARY_MEMBERS.issuperset(body.members):
        members = body.members.copy()
    else:
        members = {
            name: raw
            for name, raw in body.members.items()
            if name not in GATEWAY_MEMBERS and not name.startswith(GATEWAY_PREFIXES)
        }
        drop_unwanted(members, body)
    for name, raw in deployment.defaults_of(endpoint).items():
        members.setdefault(name, raw)
    dropped, refused = deployment.dropped_params, deployment.refused_params
    if dropped and not dropped.isdisjoint(members):
        drop(members, dropped)
    if refused and not refused.isdisjoint(members):
        refuse_unsupported(members, deployment, body)
    members["model"] = msgspec.Raw(_encode(deployment.model))
    if deployment.mock_response is not None:
        members["mock_response"] = msgspec.Raw(_encode(deployment.mock_response))
    return members


def _ask_for_usage(members: dict[str, msgspec.Raw]) -> None:
    raw = members.get("stream_options")
    if raw is None or bytes(raw) == b"null":
        members["stream_options"] = _USAGE_WANTED
        return
    try:
        options = _decode_members(raw)
    except msgspec.DecodeError:
        # Not an object: the provider says so better than we could.
        return
    options["include_usage"] = _TRUE
    members["stream_options"] = msgspec.Raw(_encode(options))


def _address(deployment: Deployment, endpoint: Endpoint) -> str:
    # `is_mock` spelled out: this is asked for every request.
    if deployment.mock_response is not None or deployment.provider == "mock":
        return f"mock:{endpoint.value}"
    try:
        return deployment.urls[endpoint]
    except KeyError:
        raise BadRequest(
            f"The model '{deployment.group}' does not serve {endpoint.value}.", param="model"
        ) from None


def _headers(deployment: Deployment, *, has_body: bool = True) -> HeaderPairs:
    headers = _OWN_HEADERS if has_body else _OF_ALL
    for name, secret in deployment.headers.items():
        headers = (*headers, (name, secret.reveal()))
    return headers
