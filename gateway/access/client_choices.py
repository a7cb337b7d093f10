"""The upstream address and credential that a request may choose itself, where the operator allows it."""

import re
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from gateway.domain import ClientChoice, ModelGroup, Secret
from gateway.errors import BadRequest
from gateway.hooks import RequestBody

__all__ = ["ClientChoices", "take_choice"]

_LONGEST_KEY = 4096
_LONGEST_ADDRESS = 2048
_ADDRESS_NAMES = ("api_base", "base_url")
# What a header may carry without being read as two, or as something else on the way.
_KEY = re.compile(r"[\x21-\x7e]+", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_ADDRESS = re.compile(r"[\x21-\x7e]+", re.ASCII)


class ClientChoices:
    """Which members of a request may choose something, by the name of the model."""

    def __init__(self, find: Callable[[str], ModelGroup | None]) -> None:
        self._find = find

    def may_choose(self, model: str, name: str) -> bool:
        """Whether a deployment of the model leaves this member to its clients."""
        group = self._find(model)
        found = () if group is None else (item.client_params for item in group.deployments)
        if name == "api_key":
            return any(params is not None and params.api_key for params in found)
        return name in _ADDRESS_NAMES and any(params is not None and params.api_base for params in found)


def take_choice(body: RequestBody) -> ClientChoice | None:
    """Take the choice out of the body, so that nothing keeps or sends it; None for one of nulls only.

    Raises BadRequest for a credential that no header can carry, and for what is no address of a provider.
    """
    key = _take_text(body, "api_key", _LONGEST_KEY)
    bases = [_take_text(body, name, _LONGEST_ADDRESS) for name in _ADDRESS_NAMES]
    base = bases[0] or bases[1]
    if key is None and base is None:
        return None
    if all(bases) and bases[0] != bases[1]:
        raise BadRequest("'api_base' and 'base_url' name two addresses; send one of them.", param="base_url")
    if key is not None and not _KEY.fullmatch(key):
        raise BadRequest("'api_key' is no credential that a header can carry.", param="api_key")
    if base is not None and not _is_address(base):
        raise BadRequest(
            "'api_base' has to be an address such as https://host/v1, without account, query or fragment.",
            param="api_base",
        )
    return ClientChoice(None if key is None else Secret(key), base)


def _take_text(body: RequestBody, name: str, longest: int) -> str | None:
    value = body.read(name)
    body.remove(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise BadRequest(f"'{name}' has to be a text of at most {longest} characters.", param=name)
    return value


def _is_address(text: str) -> bool:
    if not _ADDRESS.fullmatch(text) or "\\" in text:
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and _is_plain(parts)
    except ValueError:
        # A port or an IP address that is none.
        return False


def _is_plain(parts: SplitResult) -> bool:
    has_more = "@" in parts.netloc or parts.query or parts.fragment
    return _is_host(parts.hostname or "") and not has_more and parts.port != 0


def _is_host(host: str) -> bool:
    """Whether this is a name or an IP address in its usual spelling: 127.1 and 0x7f000001 are others."""
    if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        ip_address(host)
    return bool(host)
