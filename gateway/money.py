"""Money as integers: prices in femto-dollars (1e-15 USD) per unit, amounts in nano-dollars (1e-9 USD)."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import lru_cache

__all__ = [
    "FEMTOS_PER_NANO",
    "NANOS_PER_USD",
    "femtos_from_usd",
    "nanos_from_femtos",
    "nanos_from_usd",
    "usd_from_nanos",
    "usd_text",
]

NANOS_PER_USD = 1_000_000_000
FEMTOS_PER_NANO = 1_000_000
_FEMTOS_PER_USD = NANOS_PER_USD * FEMTOS_PER_NANO
_LEAST_PLAIN = 100_000
"""Smaller amounts are shown with an exponent: 1e-05."""
_LEAST_INEXACT = 10**15
"""A float has 15 decimal digits for certain."""


def nanos_from_usd(usd: Decimal | float | str) -> int:
    """Nano-dollars of an amount in USD, rounded half to even.

    A float is read by its shortest decimal form, as JSON shows it. Raises ValueError
    when it is not a finite number.
    """
    return _scaled(usd, NANOS_PER_USD)


def femtos_from_usd(usd_per_unit: Decimal | float | str) -> int:
    """Femto-dollars per unit of a price in USD per unit; raises ValueError when it is not a finite number."""
    return _scaled(usd_per_unit, _FEMTOS_PER_USD)


def nanos_from_femtos(femtos: int) -> int:
    """Nano-dollars of an exact sum in femto-dollars, rounded half to even: the one rounding of a request."""
    nanos, rest = divmod(femtos, FEMTOS_PER_NANO)
    half = FEMTOS_PER_NANO // 2
    if rest > half or (rest == half and nanos % 2):
        return nanos + 1
    return nanos


def usd_from_nanos(nanos: int) -> float:
    """USD of an amount in nano-dollars, for JSON and for the `spend` columns of the prescribed schema."""
    return nanos / NANOS_PER_USD


def usd_text(nanos: int) -> str:
    """USD of an amount in nano-dollars as headers tell it: what Python shows of `usd_from_nanos`."""
    if not _LEAST_PLAIN <= nanos < _LEAST_INEXACT:
        return _show_float(nanos)
    digits = str(nanos)
    if nanos < NANOS_PER_USD:
        digits = digits.zfill(10)
    return f"{digits[:-9]}.{digits[-9:].rstrip('0') or '0'}"


@lru_cache(4_096)
def _show_float(nanos: int) -> str:
    """The same of any amount; the small ones come again and are kept."""
    return repr(nanos / NANOS_PER_USD)


def _scaled(value: Decimal | float | str, factor: int) -> int:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None
    if not number.is_finite():
        raise ValueError(f"{value!r} is not a finite number")
    return int((number * factor).to_integral_value(rounding=ROUND_HALF_EVEN))
