import json

import pytest

from gateway.errors import UpstreamGarbled
from gateway.upstream.answer import read_answer


def test_only_the_name_of_the_model_changes():
    body = b'{ "id":"x", "model": "up-1" ,"usage":{"prompt_tokens":1,"completion_tokens":2},"n":1.0}'

    read = read_answer(body, "mine")

    assert read.body == body.replace(b'"up-1"', b'"mine"')
    assert read.response_id == "x"
    assert read.usage is not None
    assert read.usage.total_tokens == 3


@pytest.mark.parametrize(
    "body", [b'{"model":"up-1","inner":{"model":"up-1"}}', b'{"inner":{"model":"up-1"},"model" : "up-1"}']
)
def test_a_nested_member_of_the_same_name_is_left_alone(body):
    assert json.loads(read_answer(body, "mine").body) == {"model": "mine", "inner": {"model": "up-1"}}


def test_a_name_that_is_spelt_with_an_escape_is_found_and_no_other_member_taken_for_it():
    body = rb'{"abc":"up-1","mod\u0065l":"up-1"}'
    assert json.loads(read_answer(body, "mine").body) == {"abc": "up-1", "model": "mine"}


@pytest.mark.parametrize("error", ['{"code":429}', '"no"', "true"])
def test_an_error_in_the_place_of_content_is_one(error):
    body = b'{"error": %s, "model":"m"}' % error.encode()
    assert read_answer(body, "mine").error == error.encode()


@pytest.mark.parametrize(
    "body", [b'{"error":{},"id":7}', b'{"error":null,"x":1}', b'{"error":{"code":1},"choices":[]}']
)
def test_a_member_error_beside_content_is_none(body):
    assert read_answer(body, "mine").error is None


def test_without_a_name_to_show_the_bytes_are_the_same():
    body = b'{"model":"up-1", "x" : 1}'

    assert read_answer(body, None).body is body


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"text"', b'{"id":', b"\xff\xfe", b"[" * 5000])
def test_what_is_not_an_object_is_garbled(body):
    with pytest.raises(UpstreamGarbled):
        read_answer(body, "mine")


@pytest.mark.parametrize("body", [b"{}", b'{"id":7,"model":null,"usage":"x"}', b'{"id":{"a":1},"usage":[]}'])
def test_members_of_other_types_are_not_stated(body):
    read = read_answer(body, "mine")

    assert (read.usage, read.response_id) == (None, None)
