import pytest

from gateway.upstream.http1.answers import AnswerReader

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: Chunked\r\n\r\n"
SIZED = OK + b"content-length: 12\r\n\r\n"
BODY = b'5;a="b"\r\nhello\r\n1\r\n,\r\n0006\r\n world\r\n0\r\nx-trailer: 1\r\n\r\n'
EARLY = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"


def read(data: bytes, method: str = "POST", size: int = 0) -> tuple[AnswerReader, bytes]:
    """Whatever is of the body, of an answer that comes in pieces of a size."""
    reader, found = AnswerReader(method), b""
    for at in range(0, len(data), size or len(data) or 1):
        found += reader.feed(data[at : at + (size or len(data))])
    return reader, found


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("data", [CHUNKED + BODY, SIZED + b"hello, world", EARLY + SIZED + b"hello, world"])
def test_a_body_ends_where_it_says_however_it_is_cut(data, size):
    reader, found = read(data, size=size)

    assert reader.head is not None
    assert reader.head.status == 200
    assert reader.is_ended
    assert found == b"hello, world"
    assert not reader.has_more
    reader.finish()
    assert "x-trailer" not in dict(reader.head.headers)


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize("more", [b"!", OK + b"content-length: 1\r\n\r\nX"])
def test_what_nobody_asked_for_is_noticed_and_no_part_of_the_body(more, size):
    reader, found = read(CHUNKED + BODY + more, size=size)

    assert (reader.is_ended, reader.has_more, found) == (True, True, b"hello, world")


def test_a_body_of_unknown_length_ends_with_its_connection():
    reader, found = read(OK + b"\r\nabc")

    assert (reader.is_ended, found) == (False, b"abc")
    reader.finish()
    assert reader.is_ended
    assert reader.head is not None
    assert reader.head.is_last


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_some_answers_have_no_body_whatever_they_say(method, status):
    reader, found = read(b"HTTP/1.1 %d\r\ncontent-length: 5\r\n\r\n" % status, method)

    assert (reader.is_ended, found) == (True, b"")


def test_an_answer_says_its_status_and_its_headers():
    reader, _ = read(OK + b"Content-Type:text/plain\r\nX-A: \t b  c \r\nx-a:\r\nx-b: \xc3\xbc\xff\r\n\r\n")

    assert reader.head is not None
    assert reader.head.headers == (
        ("content-type", "text/plain"),
        *(("x-a", "b  c"), ("x-a", "")),
        ("x-b", "ü\udcff"),
    )


@pytest.mark.parametrize(
    ("data", "is_last"),
    [
        (SIZED, False),
        (CHUNKED, False),
        (OK + b"connection: close\r\ncontent-length: 1\r\n\r\n", True),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\n", True),
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\n", False),
    ],
)
def test_an_answer_may_be_the_last_one(data, is_last):
    reader, _ = read(data)

    assert reader.head is not None
    assert reader.head.is_last is is_last


@pytest.mark.parametrize(
    "data",
    [
        *(b"SSH-2", b"HTTP/2 200\r\n\r\n", b"HTTP/1.1 20\r\n\r\n", b"HTTP/1.1 099 x\r\n\r\n"),
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 200 OK\na: b\r\n\r\n",
        *(OK + line + b"\r\n\r\n" for line in (b"no colon", b"name : v", b"a: b\r\n folded", b"a: b\rc")),
        OK + b"a: b\x00\r\n\r\n",
        *(
            OK + b"content-length: " + said + b"\r\n\r\n"
            for said in (b"5, 5", b"+5", b"-1", b"", b"\xd9\xa5")
        ),
        OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\n",
        OK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
        OK + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n",
        *(
            OK + b"transfer-encoding: " + said + b"\r\n\r\n"
            for said in (b"gzip, chunked", b"gzip", b"identity")
        ),
        OK + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n",
        OK + b"a: " + b"x" * 70_000,
        *(CHUNKED + part for part in (b"zz\r\n", b"-1\r\n", b"\r\n", b"1\r\nab\r\n", b"f" * 17 + b"\r\n")),
    ],
)
@pytest.mark.parametrize("size", [1, 100_000])
def test_what_could_be_read_in_two_ways_is_refused(data, size):
    with pytest.raises(ValueError, match=r"no answer|no status|coding|too long"):
        read(data, size=size)


@pytest.mark.parametrize(
    "line", [b"1;" + b"x" * 70_000, b"1\r\na\r\n0\r\nx: " + b"x" * 70_000], ids=["chunk", "trailer"]
)
def test_a_line_without_end_is_refused(line):
    with pytest.raises(ValueError, match="too long"):
        read(CHUNKED + line, size=1_000)


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 2", EARLY, SIZED + b"abc", CHUNKED + b"3\r\nabc\r\n"])
def test_an_answer_that_breaks_off_is_told_from_one_that_ends(data):
    reader, _ = read(data)

    with pytest.raises(ValueError, match="not ended"):
        reader.finish()
