"""What requests did cost, as a journal says."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import msgspec

from gateway.spend.records import CHARGED_PREFIX, ChargedRecord
from gateway.spend.segments import Segment, read_segment

__all__ = ["find_costs"]

_decode = msgspec.json.Decoder(ChargedRecord).decode


def find_costs(segments: Sequence[Segment], charge_ids: AbstractSet[str]) -> tuple[dict[str, int], bool]:
    """Find nano-dollars by charge id; the second value says whether the journal is there from its beginning.

    Raises OSError.
    """
    found: dict[str, int] = {}
    for segment in segments:
        for line in read_segment(segment):
            if line.startswith(CHARGED_PREFIX):
                try:
                    record = _decode(line)
                except msgspec.DecodeError:
                    continue  # a failing disk has garbled it; the drain keeps it as a rejected line
                if record.charge_id in charge_ids:
                    found[record.charge_id] = record.cost_nanos
    return found, bool(segments) and segments[0].start == 0
