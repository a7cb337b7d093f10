"""A stream under guard: held back as far as findings may reach, then let go, masked or cut."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import cast

import msgspec

from gateway.errors import UpstreamGarbled
from gateway.guardrails.channels import Channel, Window
from gateway.guardrails.choice import Chosen, ChosenPipeline
from gateway.guardrails.policies.pipeline import answer_instead, run_pipeline
from gateway.guardrails.runner import Runner
from gateway.guardrails.streamed_tools import find_streamed, grows
from gateway.guardrails.walk import Found, Path, drop_probabilities, edit_at, find_pieces
from gateway.sdk import ToolUse
from gateway.settings.guardrails import GuardrailMode
from gateway.wire.sse import EventSplitter, event_payload, replace_payload

__all__ = ["GuardedStream"]

_DONE = b"[DONE]"
_LOOKS = 4
"""How often a stream under guard is looked at while as much comes as a finding may span."""
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class _Part(msgspec.Struct, frozen=True):
    """One string of an event, which goes on a channel from `start` (characters)."""

    found: Found
    channel: Channel
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.found.piece.text)


class _Event(msgspec.Struct, frozen=True):
    """One event: its bytes, its decoded members, and its strings."""

    data: bytes
    members: dict[str, object]
    parts: tuple[_Part, ...]


class GuardedStream:
    """Watches over the answers of one stream, for the guardrails that run after the call.

    Where every guardrail says how many characters a finding spans at most, that much is held back; where one
    does not, or where pipelines follow, everything is, to the end. Events leave in their order and, unless
    edited, byte for byte.
    """

    def __init__(
        self,
        runner: Runner,
        chosen: Sequence[Chosen],
        pipelines: Sequence[ChosenPipeline] = (),
        mode: GuardrailMode = GuardrailMode.POST_CALL,
    ) -> None:
        self._mode = mode
        self._runner = runner
        self._chosen = chosen
        self._pipelines = pipelines
        windows = [item.installed.guardrail.window for item in chosen]
        known = [window for window in windows if window is not None]
        is_bounded = len(known) == len(windows) and not pipelines
        self._window = max(known) if is_bounded else None
        self._splitter = EventSplitter()
        self._held: deque[_Event] = deque()
        self._channels: dict[Path, Channel] = {}
        self._total = 0
        self._due = (self._window or 0) + 1
        """How many characters must have come for something of them to go out."""

    async def feed(self, events: bytes) -> bytes:
        """Take events; return those that may go out. Raises as the guardrails, and UpstreamGarbled."""
        for event in self._splitter.feed(events):
            self._hold(event)
        if self._window is None or self._total < self._due:
            return b""
        # Each look takes in a window of what came before: by this step nothing is seen more than five times.
        self._due = self._total + max(1, self._window // _LOOKS)
        await self._judge(self._window)
        return self._release()

    async def finish(self, events: bytes) -> bytes:
        """Take the last events; return everything that was held. Raises as `feed`."""
        for event in self._splitter.feed(events):
            self._hold(event)
        rest = self._splitter.finish()
        await self._judge(0)
        return self._release() + rest

    def _hold(self, event: bytes) -> None:
        payload = event_payload(event)
        if payload is None or payload.strip() == _DONE:
            self._held.append(_Event(event, {}, ()))
            return
        try:
            members: object = _decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UpstreamGarbled("The guardrails cannot read what was streamed.") from None
        if not isinstance(members, dict):
            raise UpstreamGarbled("The guardrails cannot read what was streamed.")
        named = cast("dict[str, object]", members)  # JSON objects have text keys
        found = [item for name, value in named.items() for item in find_pieces(value, name)]
        self._held.append(_Event(event, named, tuple(self._add(named, item) for item in found)))

    def _add(self, members: dict[str, object], found: Found) -> _Part:
        """Append a string to its channel; a name that came before is not inspected again."""
        key, text = _channel_key(members, found.path), found.piece.text
        is_whole = not grows(found)
        if is_whole:
            key = (*key, text, found.piece.is_fixed)
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = Channel(found.piece, is_whole=is_whole)
        elif channel.is_whole:
            return _Part(found, channel, 0)
        part = _Part(found, channel, channel.ends)
        channel.text += text
        if not channel.is_whole:
            self._total += len(text)
            channel.grew_at = self._total
        return part

    async def _judge(self, keep: int) -> None:
        """Have all that is new inspected, and agree on it except for the last `keep` characters."""
        channels = list(self._channels.values())
        waits: dict[int, int] = {}
        window = Window(channels, self._window or 0, self._find_tools)
        for chosen in self._chosen:
            verdict = await self._runner.ask(chosen, self._mode, window)
            for channel, start in window.find_undecided(verdict):
                waits[id(channel)] = min(start, waits.get(id(channel), start))
        for pipeline in self._pipelines:
            await self._follow(pipeline, window)
        for channel in channels:
            # One on which nothing has come for as long as a finding may span will hardly go on.
            is_at_rest = channel.is_whole or self._total - channel.grew_at >= keep
            cut = channel.ends
            if not is_at_rest:
                cut = max(min(cut - keep, waits.get(id(channel), cut)), channel.judged)
            channel.judge(cut)

    def _find_tools(self) -> Iterator[ToolUse]:
        """The calls of tools, where all of them is held."""
        return find_streamed(self._channels) if self._window is None else iter(())

    async def _follow(self, pipeline: ChosenPipeline, window: Window) -> None:
        """Run a pipeline on the whole stream."""
        message = await run_pipeline(pipeline, self._runner, window)
        if message is not None:
            answer_instead(window, message)

    def _release(self) -> bytes:
        out: list[bytes] = []
        while self._held and all(part.end <= part.channel.judged for part in self._held[0].parts):
            out.append(_written(self._held.popleft()))
        firsts: dict[int, int] = {}
        for event in self._held:
            for part in event.parts:
                firsts.setdefault(id(part.channel), part.start)
        for channel in self._channels.values():
            first = firsts.get(id(channel), channel.judged)
            channel.forget(min(first, channel.judged - (self._window or 0)))
        return b"".join(out)


def _written(event: _Event) -> bytes:
    """The bytes of an event, new ones only where something in it was edited."""
    is_changed = False
    for part in event.parts:
        text = part.channel.slice(part.start, part.end)
        if text != part.found.piece.text:
            edit_at(event.members, part.found.path, text)
            drop_probabilities(event.members, part.found.path)
            is_changed = True
    return replace_payload(event.data, _encode(event.members)) if is_changed else event.data


def _channel_key(members: dict[str, object], path: Path) -> Path:
    """The path of a string, with the `index` that an item of a list states in the place of its position."""
    key: list[str | int] = []
    value: object = members
    for step in path:
        value = cast("dict[str | int, object]", value)[step]  # a list takes its places as a mapping its names
        stated = cast("dict[str, object]", value).get("index") if isinstance(value, dict) else None
        key.append(stated if isinstance(step, int) and isinstance(stated, int) else step)
    return tuple(key)
