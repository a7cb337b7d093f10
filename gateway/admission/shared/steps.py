"""What a worker asks the script for, step by step, and how a part looks from there."""

from collections.abc import Sequence

import msgspec

from gateway.admission.counters import Money, Slots, Window
from gateway.admission.part import Part
from gateway.admission.shared.names import Names

__all__ = [
    "EXTEND",
    "GONE",
    "MISSING",
    "OK",
    "READ",
    "REFUSED",
    "REGISTER",
    "RELEASE",
    "SETTLE",
    "TAKE",
    "RemotePart",
    "Step",
]

TAKE, SETTLE, RELEASE, EXTEND, REGISTER, READ = 1, 2, 3, 4, 5, 6
OK, REFUSED, MISSING, GONE = 0, 1, 2, 3
_NOT_LOOKED_AT = -1

_encode = msgspec.msgpack.Encoder().encode


class Step(msgspec.Struct, array_like=True):
    """One step; the members are those of `ledger.lua`, in their order. `part` is set when it is sent."""

    kind: int
    part: int
    id: str
    cost: int
    amounts: Sequence[int]
    check: int | Sequence[int]
    keeps: bool = False


class RemotePart:
    """The keys of a part in one epoch, and its limits as the script reads them."""

    __slots__ = ("epoch", "kept_at", "keys", "moneys", "slots", "static", "windows")

    def __init__(self, part: Part, names: Names, epoch: str) -> None:
        self.epoch = epoch
        self.kept_at = 0
        self.moneys: tuple[Money, ...] = part.moneys
        self.windows: tuple[Window, ...] = tuple(
            [window for window, _ in part.requests] + [window for window, _, _ in part.tokens]
        )
        self.slots: tuple[Slots, ...] = tuple(slots for slots, _ in part.slots)
        moneys = [names.money(epoch, money.key) for money in self.moneys]
        slots = [names.slots(epoch, item.key) for item in self.slots]
        windows = (names.window(epoch, window.key) for window in self.windows)
        # Bytes: the client takes them as they are.
        self.keys = tuple(name.encode() for name in (*moneys, *windows, *slots))
        places = {money: place for place, money in enumerate(self.moneys, 1)}
        self.static = msgspec.Raw(
            _encode(
                (
                    len(self.moneys),
                    [(places[money], most) for money, most in part.budgets],
                    [(most, window.key[3] * 1_000) for window, most in part.requests],
                    [(most, window.key[3] * 1_000, counts) for window, most, counts in part.tokens],
                    [most for _, most in part.slots],
                    msgspec.json.encode((moneys, slots)).decode(),
                )
            )
        )

    def apply(self, values: Sequence[int], now: int) -> list[int]:
        """Set the counters of this process to what Redis says; return when the windows began there.

        `now` is monotonic nanoseconds; the last value is the server's time, in microseconds.
        """
        place = 0
        for money in self.moneys:
            if values[place + 1] != _NOT_LOOKED_AT:
                money.settled, money.held = values[place], values[place + 1]
            place += 2
        began: list[int] = []
        server_now = values[-1]
        for window in self.windows:
            ends = values[place + 2]
            began.append(values[place + 1])
            if ends != _NOT_LOOKED_AT:
                window.count = values[place]
                window.ends_at = now + (ends - server_now) * 1_000 if ends else 0
            place += 3
        for slots in self.slots:
            if values[place] != _NOT_LOOKED_AT:
                slots.used = values[place]
            place += 1
        return began
