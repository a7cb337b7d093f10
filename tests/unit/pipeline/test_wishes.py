import pytest

from gateway.errors import BadRequest
from gateway.hooks import RequestBody, RequestHead
from gateway.pipeline.wishes import Wishes, read_wishes
from tests.unit.pipeline.test_intake import make_context


def wishes_of(body: bytes, **headers: str) -> Wishes:
    context = make_context()
    context.model = "m"
    context.body = RequestBody.parse(body)
    context.head = RequestHead(
        "POST", "/", {name.replace("_", "-"): value for name, value in headers.items()}
    )
    return read_wishes(context)


def test_who_says_nothing_wishes_nothing() -> None:
    assert wishes_of(b'{"model":"m"}') == Wishes()


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b'{"timeout":5}', {}, Wishes(timeout_seconds=5)),
        (b'{"request_timeout":"2.5"}', {}, Wishes(timeout_seconds=2.5)),
        (b'{"timeout":5}', {"x_litellm_timeout": "3"}, Wishes(timeout_seconds=3)),
        (b'{"stream_timeout":1}', {}, Wishes(silence_seconds=1)),
        (b'{"num_retries":0}', {}, Wishes(num_retries=0)),
        (b"{}", {"x_litellm_num_retries": "4"}, Wishes(num_retries=4)),
        (b'{"fallbacks":["a","b"]}', {}, Wishes(fallbacks=("a", "b"))),
        (b'{"fallbacks":[{"model":"a"},"b"]}', {}, Wishes(fallbacks=("a", "b"))),
        (
            b'{"fallbacks":[{"m":["a","b"]},{"other":["c"]},{"*":["d"]}]}',
            {},
            Wishes(fallbacks=("a", "b", "d")),
        ),
        (b'{"fallbacks":null,"disable_fallbacks":true}', {}, Wishes(uses_fallbacks=False)),
    ],
)
def test_wishes_are_read(body: bytes, headers: dict[str, str], expected: Wishes) -> None:
    assert wishes_of(body, **headers) == expected


@pytest.mark.parametrize(
    ("body", "headers", "param"),
    [
        (b'{"timeout":0}', {}, "timeout"),
        (b'{"timeout":true}', {}, "timeout"),
        (b'{"timeout":"nan"}', {}, "timeout"),
        (b'{"timeout":1e9}', {}, "timeout"),
        (b"{}", {"x_litellm_timeout": "soon"}, "x-litellm-timeout"),
        (b'{"num_retries":11}', {}, "num_retries"),
        (b'{"num_retries":1.5}', {}, "num_retries"),
        (b'{"num_retries":"inf"}', {}, "num_retries"),
        (b'{"fallbacks":"a"}', {}, "fallbacks"),
        (b'{"fallbacks":[1]}', {}, "fallbacks[0]"),
        (b'{"fallbacks":["a",{"model":"b","messages":[]}]}', {}, "fallbacks[1]"),
        (b'{"fallbacks":[{"m":"a"}]}', {}, "fallbacks[0]"),
        (b'{"fallbacks":[{"m":["a","b","c","d","e","f","g","h","i","j","k"]}]}', {}, "fallbacks"),
    ],
)
def test_what_cannot_be_met_is_refused_by_name(body: bytes, headers: dict[str, str], param: str) -> None:
    with pytest.raises(BadRequest) as refused:
        wishes_of(body, **headers)
    assert refused.value.param == param
