"""Every exception of an ordinary route as an OpenAI-shaped answer, or as the contract's list of faults."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
from litestar import HttpMethod, MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.params import ParameterKwarg

from gateway.errors import BodyTooLarge, GatewayError, MethodNotAllowed, NotFound, ValidationFailed
from gateway.pipeline.exchange import too_large
from gateway.wire.errors import error_bytes
from gateway.wire.faults import Fault, fault_at, fault_of, missing_at

__all__ = ["EXCEPTION_HANDLERS"]

_log = logging.getLogger("gateway.http")
_encode = msgspec.json.Encoder().encode


def answer_gateway_error(request: Request[Any, Any, Any], error: GatewayError) -> Response[bytes]:
    """Answer with the error as it says it is to be answered."""
    del request
    return _response(error)


def answer_faults(request: Request[Any, Any, Any], error: ValidationFailed) -> Response[bytes]:
    """Answer a request with wrong members as `{"detail": [{"loc", "msg", "type"}]}`, as the contract does."""
    del request
    fault = fault_at(["body", *filter(None, [error.param])], error.message)
    return _faults(cast("Sequence[Fault]", error.details.get("detail") or [fault]))  # made by the readers


def answer_wrong_parameters(request: Request[Any, Any, Any], error: ValidationException) -> Response[bytes]:
    """Answer parameters that Litestar could not read in the same shape, under the names that clients send."""
    if isinstance(error.__cause__, KeyError):  # the name of a parameter that was not sent
        return _faults([missing_at(["query", str(error.__cause__.args[0])])])
    extra = cast("object", error.extra)
    found = cast("Sequence[dict[str, str]]", extra if isinstance(extra, list) else [{}])  # Litestar's shape
    return _faults([_parameter_fault(request, error, item) for item in found])


def _parameter_fault(
    request: Request[Any, Any, Any], error: ValidationException, item: Mapping[str, str]
) -> Fault:
    reason = msgspec.ValidationError(item.get("message", error.detail))
    parameter = request.route_handler.parsed_fn_signature.parameters.get(item.get("key", ""))
    if parameter is None:
        return fault_of(reason, [item.get("source", "query"), *filter(None, [item.get("key")])], Any)
    kwarg = parameter.kwarg_definition
    name = (kwarg.name if isinstance(kwarg, ParameterKwarg) else None) or parameter.name
    return fault_of(reason, [item.get("source", "query"), name], parameter.annotation)


def answer_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Answer what Litestar itself refuses: an unknown path, a wrong method, an unreadable request."""
    if error.status_code == NotFound.status:
        return _response(NotFound(f"There is no route {request.method} {request.url.path}."))
    if error.status_code == MethodNotAllowed.status:
        allowed = _allowed_methods(request)
        if not allowed:
            return _response(NotFound(f"There is no route {request.method} {request.url.path}."))
        answered = ", ".join(method for method in allowed if method != HttpMethod.OPTIONS)
        message = f"{request.url.path} answers {answered}, not {request.method}."
        return _response(MethodNotAllowed(message, headers={"allow": ", ".join(allowed)}))
    if error.status_code == BodyTooLarge.status:
        # Only a handler whose body has a limit refuses a body for its size.
        return _response(too_large(request.route_handler.resolve_request_max_body_size() or 0))
    kind = "invalid_request_error" if error.status_code < GatewayError.status else GatewayError.type
    return _response(GatewayError(error.detail, status=error.status_code, type=kind))


def _allowed_methods(request: Request[Any, Any, Any]) -> list[str]:
    """List what the path answers (RFC 9110 section 15.5.6 asks for it, Litestar does not tell it)."""
    return [method for method in HttpMethod if _is_routed(request, method)]


def _is_routed(request: Request[Any, Any, Any], method: HttpMethod) -> bool:
    try:
        request.app.asgi_router.handle_routing(path=request.url.path, method=method.value)
    except HTTPException:
        return False
    return True


def answer_anything(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer a defect of ours without telling what it was; the log has the traceback."""
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _response(GatewayError("The gateway failed at this request; its log says why."))


def _faults(faults: Sequence[Fault]) -> Response[bytes]:
    return Response(
        _encode({"detail": faults}), status_code=ValidationFailed.status, media_type=MediaType.JSON
    )


def _response(error: GatewayError) -> Response[bytes]:
    return Response(
        error_bytes(error), status_code=error.status, media_type=MediaType.JSON, headers=dict(error.headers)
    )


EXCEPTION_HANDLERS: dict[int | type[Exception], Any] = {
    GatewayError: answer_gateway_error,
    ValidationFailed: answer_faults,
    ValidationException: answer_wrong_parameters,
    HTTPException: answer_http_exception,
    Exception: answer_anything,
}
"""For `Litestar(exception_handlers=...)`; its values have one signature per exception class."""
