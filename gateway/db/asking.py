"""Asking the other workers of a gateway, over the channel on which all of them listen."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import Any

import msgspec
import structlog

from gateway.errors import DatabaseUnavailable
from gateway.ids import new_id

__all__ = ["ASKING_PREFIX", "Answer", "Colleagues"]

ASKING_PREFIX = "ask:"
"""With this begins a payload that is a question or an answer, not a notice of a change."""
_ANSWER_BYTES = 7_000
"""Of one payload; what surrounds the answer needs the rest of what PostgreSQL takes."""
_SECONDS = 2.0
_CONSULTED_SECONDS = 10.0
_encode = msgspec.json.Encoder().encode

Answer = Callable[[str], Sequence[bytes]]
"""Answers an argument with JSON values; they should be short: longer ones than a payload are left out."""


class _Message(msgspec.Struct, omit_defaults=True):
    """A question or news, or, with `by`, a part of an answer; `asked` is the question's own id.

    With `to` it is a question to this worker alone.
    """

    asked: str
    by: str = ""
    to: str = ""
    question: str = ""
    argument: str = ""
    values: list[msgspec.Raw] = msgspec.field(default_factory=list[msgspec.Raw])
    is_last: bool = False


_decode = msgspec.json.Decoder(_Message).decode


class _Asked:
    """One question that waits for so many workers to have answered."""

    def __init__(self, others: int) -> None:
        self.values: list[bytes] = []
        self.is_complete = asyncio.Event()
        self._waits_for = others

    def take(self, message: _Message) -> None:
        self.values += map(bytes, message.values)
        self._waits_for -= message.is_last
        if self._waits_for <= 0:
            self.is_complete.set()


class Colleagues:
    """Asks other workers and answers them.

    `send` notifies everybody of payloads; `answers` are what this worker answers, by question, `hearers` take
    what others tell, by topic.
    """

    def __init__(
        self,
        send: Callable[[Sequence[str]], Awaitable[object]],
        *,
        seconds: float = _SECONDS,
        consulted_seconds: float = _CONSULTED_SECONDS,
    ) -> None:
        self.answers: dict[str, Answer] = {}
        self.hearers: dict[str, Callable[[str], None]] = {}
        self.name = new_id()
        self._served: dict[str, Callable[[str], Awaitable[str]]] = {}
        self._send = send
        self._seconds = seconds
        self._consulted_seconds = consulted_seconds
        self._asked: dict[str, _Asked] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger(__name__)

    async def ask(self, question: str, argument: str, others: int) -> list[bytes]:
        """Return the JSON values that so many others answer; who is silent is not waited for long.

        Raises DatabaseUnavailable.
        """
        if others <= 0:
            return []
        message = _Message(f"{self.name}/{new_id()}", question=question, argument=argument)
        asked = await self._put(message, others, self._seconds)
        if not asked.is_complete.is_set():
            self._log.warning("workers_did_not_answer", question=question, workers=others)
        return asked.values

    def serve(self, question: str, answer: Callable[[str], Awaitable[str]]) -> None:
        """Answer a question that is put to this worker alone; `answer` raises nothing."""
        self._served[question] = answer

    async def consult(self, worker: str, question: str, argument: str) -> str | None:
        """What one worker answers; None for one that is gone, or silent. Raises DatabaseUnavailable.

        Argument and answer fit into one payload, with what surrounds them.
        """
        message = _Message(f"{self.name}/{new_id()}", to=worker, question=question, argument=argument)
        asked = await self._put(message, 1, self._consulted_seconds)
        return msgspec.json.decode(asked.values[0], type=str) if asked.values else None

    async def _put(self, message: _Message, others: int, seconds: float) -> _Asked:
        asked = self._asked[message.asked] = _Asked(others)
        try:
            await self._send([_payload(message)])
            async with asyncio.timeout(seconds):
                await asked.is_complete.wait()
        except TimeoutError:
            # Who is silent is known by it.
            pass
        finally:
            del self._asked[message.asked]
        return asked

    async def tell(self, topic: str, text: str) -> None:
        """Tell all others something short that needs no answer. Raises DatabaseUnavailable."""
        await self._send([_payload(_Message(f"{self.name}/", question=topic, argument=text))])

    def apply(self, payload: str) -> None:
        """Take what came over the channel: an answer to this worker, or what another one asks or tells."""
        try:
            message = _decode(payload.removeprefix(ASKING_PREFIX))
        except msgspec.DecodeError:
            # Of a newer release, which asks what this one does not know.
            return
        if message.by:
            asked = self._asked.get(message.asked)
            if asked is not None:
                asked.take(message)
        elif message.asked.startswith(self.name):
            return
        elif message.to:
            if message.to == self.name and message.question in self._served:
                self._begin(self._serve(message))
        elif message.question in self.hearers:
            self.hearers[message.question](message.argument)
        elif message.question in self.answers:
            self._begin(self._answer(message, self.answers[message.question](message.argument)))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, message: _Message) -> None:
        text = await self._served[message.question](message.argument)
        await self._answer(message, [_encode(text)])

    async def _answer(self, message: _Message, values: Sequence[bytes]) -> None:
        parts = list(_parts(values))
        answers = [_Message(message.asked, self.name, values=part) for part in parts]
        answers[-1].is_last = True
        try:
            await self._send([_payload(one) for one in answers])
        except DatabaseUnavailable as error:
            self._log.warning("answer_not_sent", question=message.question, error=str(error))


def _payload(message: _Message) -> str:
    return ASKING_PREFIX + _encode(message).decode()


def _parts(values: Sequence[bytes]) -> Iterator[list[msgspec.Raw]]:
    """Values in lists that fit a payload; the last list may be empty."""
    part: list[msgspec.Raw] = []
    size = 0
    for value in values:
        if len(value) > _ANSWER_BYTES:
            continue
        if size + len(value) > _ANSWER_BYTES:
            yield part
            part, size = [], 0
        part.append(msgspec.Raw(value))
        size += len(value) + 1
    yield part
