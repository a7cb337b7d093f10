"""The operator's defaults and upper bounds for new keys."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.errors import ConfigError
from gateway.identity.durations import parse_duration
from gateway.identity.keys.request import GenerateKeyRequest
from gateway.identity.keys.values import NEVER, read_duration, refuse
from gateway.settings import Settings
from gateway.wire.faults import sentence_of

__all__ = ["KeyDefaults", "build_key_defaults"]

_DURATIONS = frozenset({"duration", "budget_duration"})
_BOUNDED = frozenset(
    {"max_budget", "tpm_limit", "rpm_limit", "tpd_limit", "max_parallel_requests", *_DURATIONS}
)


class KeyDefaults:
    """`default_key_generate_params` and `upperbound_key_generate_params` of `litellm_settings`, checked once.

    Raises ConfigError for a member that new keys do not have, or that cannot be bounded.
    """

    def __init__(self, defaults: Mapping[str, object], upperbounds: Mapping[str, object]) -> None:
        self._defaults: Mapping[str, Any] = _read("litellm_settings.default_key_generate_params", defaults)
        self._bounds: Mapping[str, Any] = _read(
            "litellm_settings.upperbound_key_generate_params", upperbounds
        )
        for name in self._bounds:
            if name not in _BOUNDED:
                path = f"litellm_settings.upperbound_key_generate_params.{name}"
                raise ConfigError("this has no upper bound.", path=path, allowed=sorted(_BOUNDED))
            _check_bound(name, self._bounds[name])

    def take_over(self, other: "KeyDefaults") -> None:
        """Go by what others say from now on: the configuration was loaded anew."""
        self._defaults, self._bounds = other.members

    @property
    def members(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The defaults and the upper bounds, by member."""
        return self._defaults, self._bounds

    def apply(self, request: GenerateKeyRequest) -> GenerateKeyRequest:
        """Fill what the request leaves out, and raise BadRequest for what is above its bound."""
        missing = {
            name: value for name, value in self._defaults.items() if getattr(request, name) in (None, [])
        }
        request = msgspec.structs.replace(request, **missing) if missing else request
        bounded: dict[str, Any] = {}
        for name, bound in self._bounds.items():
            value = getattr(request, name)
            if value is None:
                bounded[name] = bound
            elif _is_above(name, value, bound):
                raise refuse(name, f"{value} is over the limit that the administrator set: {bound}.")
        return msgspec.structs.replace(request, **bounded) if bounded else request

    def check(self, sent: Mapping[str, Any]) -> None:
        """Raise BadRequest for a sent member of an update that is above its bound."""
        for name, bound in self._bounds.items():
            value = sent.get(name)
            if value is None or value == NEVER:
                # What is taken away would be unbounded, what was not sent stays as it is.
                is_cleared = name in sent and (name != "duration" or value == NEVER)
                if is_cleared:
                    raise refuse(name, f"the administrator set a limit, so it cannot be cleared: {bound}.")
            elif _is_above(name, value, bound):
                raise refuse(name, f"{value} is over the limit that the administrator set: {bound}.")


def build_key_defaults(settings: Settings) -> KeyDefaults:
    """The defaults of the configuration; raises ConfigError as `KeyDefaults`."""
    litellm = settings.litellm
    return KeyDefaults(litellm.default_key_generate_params, litellm.upperbound_key_generate_params)


def _read(path: str, values: Mapping[str, object]) -> dict[str, Any]:
    known = GenerateKeyRequest.__struct_fields__
    for name in values:
        if name not in known:
            raise ConfigError("new keys have no such member.", path=f"{path}.{name}", allowed=known)
    given = {name: value for name, value in values.items() if value is not None}
    try:
        request = msgspec.convert(given, GenerateKeyRequest)
    except msgspec.ValidationError as error:
        raise ConfigError(sentence_of(error, GenerateKeyRequest), path=path) from None
    return {name: getattr(request, name) for name in given}


def _check_bound(name: str, bound: object) -> None:
    if name in _DURATIONS:
        try:
            parse_duration(str(bound))
        except ValueError as error:
            path = f"litellm_settings.upperbound_key_generate_params.{name}"
            raise ConfigError(str(error), path=path) from None


def _is_above(name: str, value: Any, bound: Any) -> bool:
    if name not in _DURATIONS:
        return value > bound
    given, highest = read_duration(name, value), parse_duration(bound)
    return given is not None and given.seconds > highest.seconds
