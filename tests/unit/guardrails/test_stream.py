"""A guarded stream against the plain rule: however it is cut, what goes out is the whole text, edited."""

import asyncio
import json
import re
from collections.abc import Iterable, Sequence
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GuardrailBlocked, ServiceUnavailable, UpstreamGarbled
from gateway.guardrails.choice import Chosen, Installed
from gateway.guardrails.report import Report
from gateway.guardrails.runner import Runner
from gateway.guardrails.stream import GuardedStream
from gateway.sdk import Content, Edit, Guardrail, GuardrailCall, Verdict
from gateway.settings.guardrails import GuardrailEntry, GuardrailMode
from gateway.testing import FakeClock

DIGITS = re.compile(r"(?<!\d)\d{3}(?!\d)")
MODES = frozenset({GuardrailMode.POST_CALL})
DONE = b"data: [DONE]\n\n"
few = settings(max_examples=40 if settings.default.max_examples <= 100 else 5_000)


class Digits(Guardrail):
    """Masks numbers of exactly three digits."""

    window: ClassVar[int | None] = 4

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        edits = [
            Edit(place, match.start(), match.end(), "#")
            for place, piece in content.texts()
            for match in DIGITS.finditer(piece.text)
        ]
        return Verdict(edits=tuple(edits)) if edits else None


class Whole(Digits):
    window: ClassVar[int | None] = None


class Letters(Guardrail):
    """Masks the letter x, and refuses the letter z."""

    window: ClassVar[int | None] = 1

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        if any("z" in piece.text for _, piece in content.texts()):
            return Verdict(refusal="no z")
        edits = [
            Edit(place, at, at + 1, "*")
            for place, piece in content.texts()
            for at, sign in enumerate(piece.text)
            if sign == "x"
        ]
        return Verdict(edits=tuple(edits))


def guard(*guardrails: Guardrail) -> GuardedStream:
    chosen = [
        Chosen(Installed(GuardrailEntry(name="g", kind="g", modes=MODES), item), MODES, {})
        for item in guardrails
    ]
    return GuardedStream(Runner(FakeClock(), GuardrailCall(guardrail="g"), Report(["g"])), chosen)


def event(*deltas: tuple[int, str, str]) -> bytes:
    choices = [{"index": index, "delta": {name: text}, "finish_reason": None} for index, name, text in deltas]
    data = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m", "choices": choices}
    return b"data: " + json.dumps(data).encode() + b"\n\n"


async def run(stream: GuardedStream, events: Sequence[bytes]) -> list[bytes]:
    """What goes out, for each event that comes in and at the end."""
    return [*[await stream.feed(one) for one in events], await stream.finish(DONE)]


def texts(out: Iterable[bytes], name: str = "content", index: int = 0) -> str:
    events = [one for one in b"".join(out).split(b"\n\n") if one and one != b"data: [DONE]"]
    choices = [choice for one in events for choice in json.loads(one.removeprefix(b"data: "))["choices"]]
    return "".join(choice["delta"].get(name, "") for choice in choices if choice["index"] == index)


pieces = st.lists(st.text(alphabet="0123 ax", max_size=9), max_size=30)


@pytest.mark.hypothesis
@few
@given(pieces, st.sampled_from([Digits, Whole]))
def test_the_text_is_edited_as_if_it_had_come_at_once(parts: list[str], kind: type[Guardrail]) -> None:
    out = asyncio.run(run(guard(kind()), [event((0, "content", part)) for part in parts]))
    assert texts(out) == DIGITS.sub("#", "".join(parts))


@pytest.mark.hypothesis
@few
@given(pieces)
def test_two_guardrails_edit_one_stream(parts: list[str]) -> None:
    out = asyncio.run(run(guard(Digits(), Letters()), [event((0, "content", part)) for part in parts]))
    assert texts(out) == DIGITS.sub("#", "".join(parts)).replace("x", "*")


class Swap(Guardrail):
    """Replaces each match of a pattern; two of these show what one leaves to the next."""

    def __init__(self, pattern: str, text: str, window: int | None) -> None:
        self.pattern, self.text = re.compile(pattern), text
        self.window = window
        self.seen: list[str] = []

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        self.seen += [piece.text for _, piece in content.texts()]
        return Verdict(
            edits=tuple(
                Edit(place, *match.span(), self.text)
                for place, piece in content.texts()
                for match in self.pattern.finditer(piece.text)
            )
        )


PATTERNS = st.sampled_from(["ab", "b+", "a", "<", "<>", "ba?", "b(?=a)", "(?=b)", "$"])
SWAPS = st.lists(st.tuples(PATTERNS, st.sampled_from(["", "<>", "b", "ab<"])), min_size=1, max_size=4)


@pytest.mark.hypothesis
@few
@given(st.lists(st.text(alphabet="ab<", max_size=9), max_size=12), SWAPS)
def test_each_guardrail_sees_what_the_one_before_it_left(
    parts: list[str], swaps: list[tuple[str, str]]
) -> None:
    """As in a whole answer, also where one edits the replacements of another one."""
    events = [event((0, "content", part)) for part in parts]
    out = asyncio.run(run(guard(*(Swap(*swap, window=None) for swap in swaps)), events))
    expected = "".join(parts)
    for pattern, text in swaps:
        expected = re.sub(pattern, text, expected) if expected else ""
    assert texts(out) == expected


async def test_a_later_guardrail_is_not_shown_what_an_earlier_one_masked() -> None:
    later = Swap("nothing", "", window=4)
    events = [
        event((0, "content", part)) for part in ("my num", "ber is 4", "56 and ", "that is all", " of it")
    ]
    out = await run(guard(Digits(), later), events)
    assert texts(out) == "my number is # and that is all of it"
    assert not [text for text in later.seen if "456" in text]


@pytest.mark.hypothesis
@few
@given(
    st.lists(
        st.tuples(
            st.integers(0, 1), st.sampled_from(["content", "reasoning_content"]), st.text("07 ", max_size=5)
        ),
        max_size=30,
    )
)
def test_choices_and_reasoning_do_not_mix(parts: list[tuple[int, str, str]]) -> None:
    """A finding never reaches from one place into another one."""
    out = asyncio.run(run(guard(Whole()), [event(part) for part in parts]))
    for index in (0, 1):
        for name in ("content", "reasoning_content"):
            said = "".join(text for place, member, text in parts if (place, member) == (index, name))
            assert texts(out, name, index) == DIGITS.sub("#", said)


@pytest.mark.hypothesis
@few
@given(st.lists(st.text(alphabet="ab ", max_size=9), max_size=30))
def test_what_nobody_edits_goes_out_byte_for_byte(parts: list[str]) -> None:
    events = [event((0, "content", part)) for part in parts]
    assert b"".join(asyncio.run(run(guard(Digits()), events))) == b"".join(events) + DONE


async def test_only_the_window_is_held_back() -> None:
    out = await run(guard(Digits()), [event((0, "content", "abcd ")) for _ in range(20)])
    held = [texts(out[: count + 1]) for count in range(20)]
    assert all(5 * (count + 1) - len(text) <= 15 for count, text in enumerate(held))


@pytest.mark.parametrize("window", [4, 40, 400])
async def test_the_first_words_wait_for_the_window_only(window: int) -> None:
    stream = guard(type("Digits", (Digits,), {"window": window})())
    come = 0
    while not texts([await stream.feed(event((0, "content", "ab")))]):
        come += 2
    assert come <= window + 2
    for _ in range(window):
        come, gone = come + 2, len(texts([await stream.feed(event((0, "content", "ab")))]))
        assert gone <= 2 + window // 4 + 2, "what waits goes out by and by"


class Brackets(Guardrail):
    """Masks what stands in brackets, however long it is."""

    window: ClassVar[int | None] = 1

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        edits: list[Edit] = []
        undecided: dict[int, int] = {}
        for place, piece in content.texts():
            edits += [Edit(place, *match.span(), "()") for match in re.finditer(r"\[[^\]]*\]", piece.text)]
            if "[" in (rest := piece.text.rpartition("]")[2]):
                undecided[place] = len(piece.text) - len(rest) + rest.index("[")
        return Verdict(edits=tuple(edits), undecided=undecided)


@pytest.mark.hypothesis
@few
@given(st.lists(st.text(alphabet="ab[]", max_size=9), max_size=30))
def test_what_is_undecided_waits_however_long_it_gets(parts: list[str]) -> None:
    out = asyncio.run(run(guard(Brackets()), [event((0, "content", part)) for part in parts]))
    assert texts(out) == re.sub(r"\[[^\]]*\]", "()", "".join(parts))


async def test_what_is_undecided_waits_alone() -> None:
    events = [event((0, "content", part)) for part in ("abc", "[de", *["fg"] * 50, "]", "hi", "j")]
    out = await run(guard(Brackets()), events)
    assert texts(out[:2]) == "abc"
    assert texts(out[:50]) == "abc"
    assert texts(out) == "abc()hij"


async def test_what_rests_is_not_waited_for() -> None:
    """Reasoning has ended when the answer goes on without it."""
    events = [event((0, "reasoning_content", "thought")), *(event((0, "content", "abcd ")) for _ in range(9))]
    out = await run(guard(Digits()), events)
    assert texts(out[:5], "reasoning_content") == "thought"


async def test_a_refusal_cuts_before_what_is_refused() -> None:
    stream = guard(Letters())
    assert texts([await stream.feed(event((0, "content", "abc")))]) in {"", "abc"}
    with pytest.raises(GuardrailBlocked):
        await run(stream, [event((0, "content", "z"))])


async def test_names_are_shown_once_and_cannot_be_edited() -> None:
    seen: list[str] = []

    class Names(Guardrail):
        def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
            seen.extend(piece.text for piece in content.pieces if piece.is_fixed)
            place = next(place for place, piece in enumerate(content.pieces) if piece.is_fixed)
            return Verdict(edits=(Edit(place, 0, 1, ""),))

    strange = event((0, "strange name", "a"))
    with pytest.raises(ServiceUnavailable):
        await run(guard(Names()), [strange, strange])
    assert seen == ["strange name"]


@pytest.mark.parametrize("data", [b"data: nonsense\n\n", b"data: [1]\n\n", b'data: "text"\n\n'])
async def test_what_cannot_be_read_does_not_go_out(data: bytes) -> None:
    with pytest.raises(UpstreamGarbled):
        await guard(Digits()).feed(data)


async def test_comments_and_log_probabilities() -> None:
    """An edited choice loses its probabilities, which say the same once more."""
    data = {
        "choices": [{"index": 0, "delta": {"content": "123 "}, "logprobs": {"content": [{"token": "123"}]}}]
    }
    out = await run(guard(Digits()), [b": ping\n\n", b"data: " + json.dumps(data).encode() + b"\n\n"])
    assert b": ping\n\n" in b"".join(out)
    assert b"123" not in b"".join(out)
