import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import Endpoint, Principal
from gateway.errors import MalformedBody
from gateway.hooks import RequestBody, RequestContext, RequestHead
from gateway.pipeline.intake import fill_context


def make_context(endpoint: Endpoint = Endpoint.CHAT) -> RequestContext:
    return RequestContext(
        head=RequestHead("POST", "/", {}),
        principal=Principal(token_hash="hash"),
        endpoint=endpoint,
        body=RequestBody({}),
        model="",
        is_stream=False,
        call_id="c",
        charge_id="c",
        started_nanos=0,
        started_monotonic=0,
    )


def test_the_models_name_and_the_wish_for_a_stream_are_read() -> None:
    context = make_context()
    fill_context(context, b'{"model":"m","stream":true,"messages":[1]}', "")
    assert (context.model, context.routed_model, context.is_stream) == ("m", "m", True)


def test_the_model_of_the_path_wins() -> None:
    context = make_context()
    fill_context(context, b'{"model":"body","messages":[1]}', "path")
    assert context.model == "path"
    assert context.body.read("model") == "path"


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        (Endpoint.COMPLETIONS, b'{"model":"m","prompt":"x"}'),
        (Endpoint.COMPLETIONS, b'{"model":"m","prompt":["x"]}'),
        (Endpoint.EMBEDDINGS, b'{"model":"m","input":[1,2]}'),
        (Endpoint.EMBEDDINGS, b'{"model":"m","input":"x","stream":false}'),
        (Endpoint.CHAT, b'{"model":"m","messages":[{}],"stream":null}'),
    ],
)
def test_each_endpoint_has_its_content(endpoint: Endpoint, body: bytes) -> None:
    fill_context(make_context(endpoint), body, "")


@pytest.mark.parametrize(
    ("endpoint", "body", "param"),
    [
        (Endpoint.COMPLETIONS, b'{"model":"m"}', "prompt"),
        (Endpoint.COMPLETIONS, b'{"model":"m","prompt":5}', "prompt"),
        (Endpoint.EMBEDDINGS, b'{"model":"m","input":null}', "input"),
        (Endpoint.EMBEDDINGS, b'{"model":"m","input":"x","stream":true}', "stream"),
        (Endpoint.CHAT, b'{"model":"m","messages":[1],"x":"\xff"}', "body"),
    ],
)
def test_a_body_without_it_is_refused_by_name(endpoint: Endpoint, body: bytes, param: str) -> None:
    with pytest.raises(MalformedBody) as refused:
        fill_context(make_context(endpoint), body, "")
    assert refused.value.param == param


@given(
    st.binary(max_size=200)
    | st.text(max_size=100).map(
        lambda text: f'{{"model":"{text}","messages":[1]}}'.encode("utf-8", "surrogatepass")
    )
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    context = make_context()
    try:
        fill_context(context, data, "")
    except MalformedBody:
        return
    assert context.model


@pytest.mark.parametrize(
    ("data", "said"), [(b"\x1f\x8b\x08\x00", "compressed with gzip"), (b'{"model":"\xff"}', "is not UTF-8")]
)
def test_bytes_that_are_no_text_are_told_as_what_they_are(data: bytes, said: str) -> None:
    with pytest.raises(MalformedBody, match=said):
        fill_context(make_context(), data, "")
