"""What a request of the Responses API may not take from its provider's store, which all callers share."""

import msgspec

from gateway.errors import BadRequest, MalformedBody
from gateway.hooks import RequestBody

__all__ = ["check_stateless"]

_STORED = ("conversation", "prompt")
"""Members that name something in the store of the operator's account; ids of responses are sealed."""
_NULL = b"null"
_LIST = b"["


class _Item(msgspec.Struct, frozen=True):
    """An item of the input; OpenAI takes one that has nothing but an `id` for a reference."""

    type: object = None
    role: object = None
    id: object = None

    @property
    def is_reference(self) -> bool:
        return self.type == "item_reference" or (
            self.id is not None and self.type is None and self.role is None
        )


_decode_items = msgspec.json.Decoder(list[_Item]).decode


def check_stateless(body: RequestBody) -> None:
    """Raise BadRequest for a request that goes on from what its provider has stored, or is to run unwatched.

    The store belongs to the operator's account at the provider, and knows nothing of keys and teams: whoever
    named an id of it would read what another caller wrote.
    """
    for name in _STORED:
        if bytes(body.members.get(name, _NULL)) != _NULL:
            raise BadRequest(
                f"'{name}' names something that the model provider has stored, and the gateway cannot tell "
                "whose it is; send the whole conversation as 'input'.",
                param=name,
            )
    if bytes(body.members.get("background", b"false")) not in {b"false", _NULL}:
        raise BadRequest(
            "'background' responses are not served: nobody would settle what they cost; leave it out.",
            param="background",
        )
    items = body.members["input"]
    if bytes(items).startswith(_LIST):
        _check_items(items)


def _check_items(raw: msgspec.Raw) -> None:
    try:
        items = _decode_items(raw)
    except (msgspec.DecodeError, RecursionError):
        raise MalformedBody(
            "'input' must be a text, or a list of items that are objects.", param="input"
        ) from None
    for place, item in enumerate(items):
        if item.is_reference:
            path = f"input[{place}]"
            raise BadRequest(
                f"'{path}' refers to an item that the model provider has stored, and the gateway cannot tell "
                "whose it is; send the item itself.",
                param=path,
            )
