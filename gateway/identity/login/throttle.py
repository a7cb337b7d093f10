"""Holding back who guesses passwords: attempts are counted by name and by address, on all workers."""

import ipaddress
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import msgspec

from gateway.clock import Clock
from gateway.db.asking import Colleagues
from gateway.errors import RateLimited
from gateway.ids import hash_token

__all__ = ["Throttle", "build_shared_throttle"]

_NANOS = 1_000_000_000
_WINDOW_SECONDS = 300
_CAPACITY = 50_000
_IPV6_NETWORK_BITS = 64
_MOST_OF_A_NAME = 100
_Keys = tuple[tuple[tuple[str, ...], int], ...]
_encode = msgspec.json.Encoder().encode


class _Attempt(msgspec.Struct, frozen=True, array_like=True):
    """What other workers hear: whose attempt, by digest and network, and whether it succeeded."""

    name: str
    network: str
    has_succeeded: bool


_decode = msgspec.json.Decoder(_Attempt).decode


async def _tell_nobody(_text: str) -> None:
    """The way to other workers where there are none."""


class Throttle:
    """Counts attempts that did not succeed, in windows of five minutes; `tell` tells other workers of each.

    A name is refused after 10 from one address and 100 from all of them, an address after 50 for all names;
    the addresses of an IPv6 network of 64 bits are one. Who is refused is not let in with the right password
    either, so that nobody learns it. `most_of_a_name` is another number than 100; None where everybody has
    the same name, which some must not use up for others.
    """

    def __init__(
        self,
        clock: Clock,
        tell: Callable[[str], Awaitable[object]] = _tell_nobody,
        most_of_a_name: int | None = _MOST_OF_A_NAME,
    ) -> None:
        self._clock = clock
        self._tell = tell
        self._most_of_a_name = most_of_a_name
        self._attempts: OrderedDict[tuple[str, ...], tuple[int, int]] = OrderedDict()

    async def begin(self, name: str, address: str) -> None:
        """Count an attempt before it is known how it ends: many at once are as many attempts.

        Raises RateLimited, with an exact `retry-after`, while there were too many, and DatabaseUnavailable.
        """
        attempt = _Attempt(hash_token(name.strip().lower()[:256]), _network_of(address), has_succeeded=False)
        self._check(attempt)
        self._count(attempt)
        await self._tell(_encode(attempt).decode())

    async def note_success(self, name: str, address: str) -> None:
        """Take an attempt back, and forget those of the name from the address. Raises DatabaseUnavailable."""
        attempt = _Attempt(hash_token(name.strip().lower()[:256]), _network_of(address), has_succeeded=True)
        self._count(attempt)
        await self._tell(_encode(attempt).decode())

    def hear(self, text: str) -> None:
        """Count what another worker told."""
        try:
            attempt = _decode(text)
        except msgspec.DecodeError:
            # Of a newer release.
            return
        self._count(attempt)

    def forget(self) -> None:
        """Forget all attempts."""
        self._attempts.clear()

    def _check(self, attempt: _Attempt) -> None:
        now = self._clock.monotonic_nanos()
        for key, most in self._keys(attempt):
            count, ends = self._attempts.get(key, (0, 0))
            if count >= most and ends > now:
                seconds = -(-(ends - now) // _NANOS)
                raise RateLimited(
                    f"Too many failed logins. Try again in {seconds} seconds.",
                    headers={"retry-after": str(seconds)},
                )

    def _count(self, attempt: _Attempt) -> None:
        now = self._clock.monotonic_nanos()
        for key, _ in self._keys(attempt):
            count, ends = self._attempts.pop(key, (0, 0))
            if ends <= now:
                count, ends = 0, now + _WINDOW_SECONDS * _NANOS
            count += -1 if attempt.has_succeeded else 1
            if count > 0:
                self._attempts[key] = count, ends
        if attempt.has_succeeded:
            self._attempts.pop(self._keys(attempt)[0][0], None)
        while len(self._attempts) > _CAPACITY:
            self._attempts.popitem(last=False)

    def _keys(self, attempt: _Attempt) -> _Keys:
        name, network, most = attempt.name, attempt.network, self._most_of_a_name
        of_name = () if most is None else ((("name", name), most),)
        return (("both", name, network), 10), *of_name, (("address", network), 50)


def build_shared_throttle(
    clock: Clock, colleagues: Colleagues, topic: str, most_of_a_name: int | None = _MOST_OF_A_NAME
) -> Throttle:
    """A throttle that counts together with those of this topic on other workers."""

    async def tell(text: str) -> None:
        await colleagues.tell(topic, text)

    throttle = Throttle(clock, tell, most_of_a_name)
    colleagues.hearers[topic] = throttle.hear
    return throttle


def _network_of(address: str) -> str:
    """The address, or the part of an IPv6 address that its owner cannot choose."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    host_bits = parsed.max_prefixlen - _IPV6_NETWORK_BITS
    return str(ipaddress.IPv6Address(int(parsed) >> host_bits << host_bits))
