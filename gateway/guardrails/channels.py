"""The texts that grow in a stream, and what guardrails are shown of them: each as the one before left it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

import msgspec

from gateway.guardrails.content import apply_edits, edited_texts
from gateway.sdk import Content, Direction, Edit, Piece, ToolUse, Verdict

__all__ = ["Channel", "Window"]


class Channel:
    """The text that grows in one place of a stream, like the content of a choice; or a name, which is whole.

    `text` begins at the character `begins` of all that came; what lies before `judged` has been inspected and
    is final. `edits` are those that are agreed, by character of the whole; they do not overlap. `grew_at`
    says how much had come on all channels when it grew last.
    """

    def __init__(self, piece: Piece, *, is_whole: bool) -> None:
        self.piece = piece
        self.is_whole = is_whole
        self.grew_at = 0
        self.text = ""
        self.begins = 0
        self.judged = 0
        self.edits: list[Edit] = []

    @property
    def ends(self) -> int:
        """The character behind all that came."""
        return self.begins + len(self.text)

    def forget(self, before: int) -> None:
        """Drop what nobody will look at again."""
        if before > self.begins and not self.is_whole:
            self.text = self.text[before - self.begins :]
            self.begins = before
            self.edits = [edit for edit in self.edits if edit.end > before]

    def slice(self, start: int, end: int) -> str:
        """The characters from `start` up to `end` as edited; a replacement stands where its edit begins."""
        parts: list[str] = []
        at = start
        for edit in self.edits:
            if edit.end <= start or edit.start >= end:
                continue
            if edit.start >= at:
                parts.append(self.text[at - self.begins : edit.start - self.begins])
            if edit.start >= start:
                parts.append(edit.text)
            at = max(at, min(edit.end, end))
        return "".join((*parts, self.text[at - self.begins : end - self.begins]))

    def judge(self, cut: int) -> None:
        """Let everything up to `cut` be final; an edit that reaches beyond it is made anew later."""
        cut = min([cut, *(edit.start for edit in self.edits if edit.start < cut < edit.end)])
        self.edits = [edit for edit in self.edits if edit.start < cut]
        self.judged = max(cut, self.judged)


class _Replaced(msgspec.Struct, frozen=True, gc=False):
    """An edit that is made already: the characters from `start` up to `end` of a view stand for it."""

    start: int
    end: int
    edit: Edit

    def is_touched(self, start: int, end: int) -> bool:
        """Whether a place of the view reaches into it, or over it."""
        return (self.start < end and start < self.end) or (
            self.start == self.end and start < self.start < end
        )


class _View:
    """The text of a channel from a character on, with all its edits made."""

    def __init__(self, channel: Channel, start: int) -> None:
        self.channel = channel
        self._start = start
        self._replaced: list[_Replaced] = []
        parts: list[str] = []
        at, size = start, 0
        for edit in channel.edits:
            if edit.end <= start:
                continue
            kept = channel.text[at - channel.begins : max(edit.start, at) - channel.begins]
            # Of one that begins before the view, the replacement stands there.
            shown = edit.text if edit.start >= start else ""
            parts += (kept, shown)
            self._replaced.append(_Replaced(size + len(kept), size + len(kept) + len(shown), edit))
            size, at = size + len(kept) + len(shown), edit.end
        self.text = "".join((*parts, channel.text[at - channel.begins :]))

    def place_of(self, at: int) -> int:
        """The character of the channel that stands at a place; of a replacement, where its edit begins."""
        inside = next((one.edit.start for one in self._replaced if one.start < at < one.end), None)
        if inside is not None:
            return inside
        before = next((one for one in reversed(self._replaced) if one.end <= at), None)
        return self._start + at if before is None else before.edit.end + at - before.end

    def edit(self, edits: Sequence[Edit]) -> None:
        """Make edits of the view: those of replacements become one with the edits that they change."""
        channel = self.channel
        if not self.text:
            # All of it was taken out: no event is left that could carry what is put in.
            return
        for start, end, group in _grouped(self._widened(edits)):
            first, last = self.place_of(start), self.place_of(end)
            if last <= channel.judged:
                continue
            moved = [Edit(0, edit.start - start, edit.end - start, edit.text) for edit in group]
            made = Edit(0, first, last, apply_edits(self.text[start:end], moved))
            gone = {id(one.edit) for one in self._replaced if one.is_touched(start, end)}
            kept = [edit for edit in channel.edits if id(edit) not in gone]
            channel.edits = sorted((*kept, made), key=_place)

    def _widened(self, edits: Sequence[Edit]) -> Iterator[tuple[int, int, Edit]]:
        """Each with the place that it reaches over: what it edits, and whole replacements only.

        What is put between two characters goes with one of them, so that it is a part of some event.
        """
        for edit in edits:
            start, end = edit.start, edit.end
            if start == end:
                start, end = (start, start + 1) if start < len(self.text) else (max(start - 1, 0), start)
            touched = [one for one in self._replaced if one.is_touched(start, end)]
            yield (
                min([start, *(one.start for one in touched)]),
                max([end, *(one.end for one in touched)]),
                edit,
            )


class Window:
    """What guardrails are shown of channels: what is new, with `context` characters before it.

    One guardrail after the other gets it, and what one edits the next is shown edited.
    """

    def __init__(
        self, channels: Sequence[Channel], context: int, tools: Callable[[], Iterable[ToolUse]] = tuple
    ) -> None:
        self._tools = tools
        new = [channel for channel in channels if channel.ends > channel.judged]
        self._places = [(channel, max(channel.judged - context, channel.begins)) for channel in new]
        self._views = self._look()
        self._shown = self._views

    def content(self) -> Content:
        """What the next guardrail is shown."""
        self._shown = self._views
        return Content(Direction.RESPONSE, self._pieces(), tuple(self._tools()))

    def drop(self, tools: Iterable[int], notice: str) -> bool:
        """The events of a call are held, and its client has been told of it by none: it is refused whole."""
        del tools, notice
        return False

    def edit(self, edits: Iterable[Edit]) -> None:
        """Make edits of what was shown. Raises EditError, and changes nothing then."""
        wanted = list(edits)
        edited_texts(self._pieces(), wanted)  # Raises for what cannot be done.
        for place, view in enumerate(self._views):
            view.edit([edit for edit in wanted if edit.piece == place])
        self._views = self._look()

    def find_undecided(self, verdict: Verdict) -> Iterator[tuple[Channel, int]]:
        """The channels on which a guardrail must see more, each with the character from which on."""
        for place, at in verdict.undecided.items():
            if 0 <= place < len(self._shown):
                view = self._shown[place]
                yield view.channel, view.place_of(min(max(at, 0), len(view.text)))

    def _look(self) -> list[_View]:
        return [_View(channel, start) for channel, start in self._places]

    def _pieces(self) -> tuple[Piece, ...]:
        return tuple(msgspec.structs.replace(view.channel.piece, text=view.text) for view in self._views)


def _grouped(widened: Iterable[tuple[int, int, Edit]]) -> Iterator[tuple[int, int, list[Edit]]]:
    """Those that reach over one replacement together; the others each by itself."""
    found = sorted(widened, key=_reach)
    if not found:
        return
    start, end, group = found[0][0], found[0][1], [found[0][2]]
    for _, (begins, ends, edit) in pairwise(found):
        if begins < end:
            end = max(end, ends)
            group.append(edit)
        else:
            yield start, end, group
            start, end, group = begins, ends, [edit]
    yield start, end, group


def _reach(widened: tuple[int, int, Edit]) -> tuple[int, int]:
    return widened[0], widened[2].start


def _place(edit: Edit) -> tuple[int, int]:
    return edit.start, edit.end
