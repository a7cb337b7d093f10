"""How else a text can be read: without tricks of Unicode, and decoded from Base64 and percent-encoding.

What is found in a reading is masked in the text itself. The list of what is seen through is on the page
docs/guardrails.md; it follows Unicode's Technical Standard 39 (confusables) and Annex 15 (NFKC).
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import unquote_to_bytes

import msgspec

from gateway_guardrails.linear import LinearPattern
from gateway_guardrails.spans import Spans

__all__ = ["Reading", "list_findings", "list_readings"]

_Found = TypeVar("_Found")

# Letters of other alphabets that look like one of ours, in lines of one letter each.
_LOOKALIKES = """
aаɑαᴀ⍺ bЬƄᏏ cсϲᴄⅽ dԁⅾᏧ eеҽℯ fẝϝ gɡցɢ hһᏂհ iіɩιıӏ⁞ jјϳ kκᴋк lⅼ mмⅿᴍ nոռпɴ oоοσօᴏ
pрρ⍴ qԛգ rгᴦⲅ sѕꜱ tтτᴛ uυսʋᴜ vνѵᴠⅴ wԝѡաᴡ xх×ⅹ yуүγʏ zᴢ
AАΑᎪ BВΒᏴ CСϹⅭᏟ DᎠⅮ EЕΕᎬ FϜᖴ GԌᏀ HНΗᎻ IІΙӀⅠ JЈᎫ KКΚᏦ LⅬᏞ MМΜⅯᎷ NΝ OОΟՕ PРΡᏢ
QԚ RᎡ SЅՏᏚ TТΤᎢ UՍ VѴᏙⅤ WԜᎳ XХΧⅩ YҮΥ ZΖᏃ
"""
_FOLDED = ((0xFF01, 0xFF5F), (0x1D400, 0x1D800), (0x2460, 0x2500), (0x2070, 0x20A0), (0x2100, 0x2150))
"""Where characters stand that are one of ours in another dress: full width, mathematical, circled, raised."""
_DIGITS = ((0x0660, 0x0DF0), (0x0E50, 0x1090), (0x17E0, 0x1A9A), (0xA620, 0xABFA))
_HIDDEN = re.compile(
    # Soft hyphen, zero width, direction, joiners and fillers, variation selectors, tags.
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_ENCODED = LinearPattern(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_WORD = re.compile("[!-~]+")
_PERCENT = re.compile("%[0-9A-Fa-f]{2}")
_LEAST_TEXT = 4
_MOST_DECODED = 64
_DEPTH = 2


def _build_table() -> Mapping[int, str]:
    table: dict[int, str] = {}
    for start, end in _FOLDED:
        for code in range(start, end):
            folded = unicodedata.normalize("NFKC", chr(code))
            if len(folded) == 1 and folded != chr(code):
                table[code] = folded
    for start, end in _DIGITS:
        for code in range(start, end):
            digit = unicodedata.digit(chr(code), None)
            if digit is not None:
                table[code] = str(digit)
    for line in _LOOKALIKES.split():
        table |= dict.fromkeys(map(ord, line[1:]), line[0])
    return MappingProxyType(table)


_TABLE = _build_table()


class Reading(msgspec.Struct, frozen=True):
    """One way to read a text, and where its characters stand in it.

    Character `n` of the reading is those from `starts[n]` up to `starts[n + 1]` of the text; without `starts`
    they are the same, and with `whole` all of them stand for that range.
    """

    text: str
    starts: tuple[int, ...] | None = None
    whole: tuple[int, int] | None = None

    def locate(self, start: int, end: int) -> tuple[int, int]:
        """Where the characters from `start` up to `end` stand in the text."""
        if self.whole is not None:
            return self.whole
        return (start, end) if self.starts is None else (self.starts[start], self.starts[end])


def list_readings(text: str) -> list[Reading]:
    """The text itself, and its other readings; ordinary prose has none."""
    found = [Reading(text)]
    plain = _plain(text)
    if plain is not None:
        found.append(plain)
    found += _decoded(text, 0)
    return found


def list_findings(
    text: str, find: Callable[[str], Iterable[tuple[_Found, int, int]]]
) -> list[tuple[_Found, int, int]]:
    """What `find` finds in any reading, each with its place in the text; what overlaps is found once."""
    found: list[tuple[_Found, int, int]] = []
    taken = Spans()
    for reading in list_readings(text):
        for what, start, end in find(reading.text):
            place = reading.locate(start, end)
            if taken.take(*place):
                found.append((what, *place))
    return sorted(found, key=_start)


def _start(item: tuple[object, int, int]) -> int:
    return item[1]


def _plain(text: str) -> Reading | None:
    """The text without hidden characters, in the letters and digits that it looks like."""
    if text.isascii():
        return None
    same = text.translate(_TABLE)
    if _HIDDEN.search(text) is None and unicodedata.is_normalized("NFKC", same):
        return Reading(same) if same != text else None
    shown: list[str] = []
    starts: list[int] = []
    for place, sign in enumerate(text):
        if _HIDDEN.match(sign):
            continue
        folded = unicodedata.normalize("NFKC", sign).translate(_TABLE)
        shown.append(folded)
        starts += [place] * len(folded)
    # A finding ends where what follows it begins: what is hidden behind it goes with it.
    return Reading("".join(shown), (*starts, len(text)))


def _decoded(text: str, depth: int) -> Iterator[Reading]:
    """Readings of what is encoded in it, also twice."""
    if depth == _DEPTH:
        return
    for number, (start, end, plain) in enumerate((*_unquote(text), *_decode_runs(text))):
        if number == _MOST_DECODED:
            return
        yield Reading(plain, whole=(start, end))
        inner = _plain(plain)
        if inner is not None:
            yield Reading(inner.text, whole=(start, end))
        yield from (Reading(deeper.text, whole=(start, end)) for deeper in _decoded(plain, depth + 1))


def _unquote(text: str) -> Iterator[tuple[int, int, str]]:
    if "%" not in text:
        return
    for match in _WORD.finditer(text):
        if _PERCENT.search(match[0]):
            yield match.start(), match.end(), unquote_to_bytes(match[0]).decode("utf-8", "replace")


def _decode_runs(text: str) -> Iterator[tuple[int, int, str]]:
    for start, end in _ENCODED.find(text):
        run = text[start:end].rstrip("=").replace("-", "+").replace("_", "/")
        try:
            plain = base64.b64decode(run + "=" * (-len(run) % 4), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
        if len(plain) >= _LEAST_TEXT and plain.replace("\n", "").replace("\t", "").isprintable():
            yield start, end, plain
