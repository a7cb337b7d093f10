"""Whether a token is genuine, meant for this gateway, and of now."""

import binascii
import math
from collections.abc import Mapping

import msgspec
import structlog

from gateway.clock import Clock
from gateway.errors import AuthenticationFailed
from gateway.identity.tokens.claims import Claims
from gateway.identity.tokens.key_sets import KeySets
from gateway.identity.tokens.keys import ALGORITHMS
from gateway.settings.jwt import ClaimFields, JwtIssuer, JwtSettings

__all__ = ["LONGEST_TOKEN", "VerifiedToken", "Verifier"]

LONGEST_TOKEN = 16 * 1024
"""Characters of a token; providers that put hundreds of groups in stay below it."""
_NANOS = 1_000_000_000
_LAST_SECOND = 2**53
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/***")
_decode_object = msgspec.json.Decoder(dict[str, object]).decode


class VerifiedToken(msgspec.Struct, frozen=True, kw_only=True):
    """A genuine token: who issued it, what it says, where its claims are, and when it ends (since 1970)."""

    issuer: str
    claims: Claims
    fields: ClaimFields
    expires_nanos: int


class _Parts(msgspec.Struct, frozen=True):
    algorithm: str
    kid: str | None
    claims: dict[str, object]
    signed: bytes
    signature: bytes


class Verifier:
    """Judges tokens by the entry of their issuer, or by the general settings where there is none."""

    def __init__(self, settings: JwtSettings, key_sets: KeySets, clock: Clock) -> None:
        self._issuers = {entry.issuer: entry for entry in settings.issuers}
        self._general = JwtIssuer(
            issuer=settings.issuer or "",
            key_urls=settings.key_urls,
            audience=settings.audience,
            takes_any_audience=settings.audience is None,
            fields=settings.fields,
        )
        self._leeway = settings.leeway
        self._key_sets = key_sets
        self._clock = clock
        if settings.key_urls and settings.audience is None and settings.issuer is None:
            structlog.get_logger(__name__).warning(
                "jwt_unscoped",
                reason="JWT_AUDIENCE and JWT_ISSUER are unset: every token of the provider is taken.",
            )

    async def verify(self, token: str) -> VerifiedToken:
        """Return what a genuine token says.

        Raises AuthenticationFailed for any other, and ServiceUnavailable while its provider's keys cannot be
        read.
        """
        parts = _take_apart(token)
        said = parts.claims.get("iss")
        entry = self._issuers.get(said) if isinstance(said, str) else None
        rules = entry or self._general
        if not rules.key_urls:
            raise _refuse("Nobody here trusts the token's issuer.")
        expected = rules.issuer or None
        # Cheap ones first; what the token says is believed only after its signature.
        expires = self._check_times(parts.claims)
        if expected is not None and said != expected:
            raise _refuse("Validation fails: Invalid issuer.")
        if not rules.takes_any_audience:
            _check_audience(parts.claims.get("aud"), rules.audience)
        key = await self._key_sets.find_key(rules.key_urls, expected, parts.algorithm, parts.kid)
        if not key.verifies(parts.algorithm, parts.signed, parts.signature):
            raise _refuse("Validation fails: Signature verification failed.")
        return VerifiedToken(
            issuer=said if isinstance(said, str) else "",
            claims=Claims(parts.claims),
            fields=rules.fields,
            expires_nanos=int((expires + self._leeway) * _NANOS),
        )

    def _check_times(self, claims: Mapping[str, object]) -> float:
        now = self._clock.now_nanos() / _NANOS
        expires = _read_second(claims, "exp")
        if expires is None:
            raise _refuse("Validation fails: the token says no time at which it expires.")
        if expires + self._leeway <= now:
            raise _refuse("Validation fails: Signature has expired. Get a new token.")
        begins = _read_second(claims, "nbf")
        if begins is not None and begins - self._leeway > now:
            raise _refuse("Validation fails: The token is not yet valid (nbf).")
        return expires


def _take_apart(token: str) -> _Parts:
    if len(token) > LONGEST_TOKEN:
        raise _refuse(f"The token is longer than {LONGEST_TOKEN} characters.")
    head, _, rest = token.partition(".")
    body, _, signature = rest.partition(".")
    header, claims = _decode_json(head), _decode_json(body)
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise _refuse(
            "Validation fails: The specified alg value is not allowed. Tokens must be signed with one of "
            f"{', '.join(sorted(ALGORITHMS))}."
        )
    if "crit" in header or "b64" in header:
        raise _refuse("The token demands extensions (crit) that are not supported.")
    if kid is not None and not isinstance(kid, str):
        raise _refuse("The token's kid is no text.")
    if _is_of_another_kind(header.get("typ")):
        raise _refuse("The token is of a kind that is no proof of identity (typ).")
    return _Parts(algorithm, kid, claims, f"{head}.{body}".encode(), _decode_part(signature))


def _is_of_another_kind(kind: object) -> bool:
    """Whether it is, for example, a logout token, which the same provider signs with the same keys."""
    said = kind.lower().removeprefix("application/") if isinstance(kind, str) else ""
    return said.endswith("+jwt") and said != "at+jwt"


def _decode_json(part: str) -> dict[str, object]:
    try:
        return _decode_object(_decode_part(part))
    except (msgspec.DecodeError, RecursionError):
        raise _refuse("The token cannot be read.") from None


def _decode_part(part: str) -> bytes:
    """Base64url without padding, strictly: one spelling for each value."""
    raw = part.encode("utf-8", "surrogatepass")
    # A character of plain base64 becomes one that no base64 has.
    padded = raw.translate(_FROM_URL) + b"=" * (-len(raw) % 4)
    try:
        return binascii.a2b_base64(padded, strict_mode=True)
    except ValueError:
        raise _refuse("The token cannot be read.") from None


def _read_second(claims: Mapping[str, object], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refuse(f"Validation fails: the token's {name} is no time.")
    if not math.isfinite(value) or not 0 <= value < _LAST_SECOND:
        raise _refuse(f"Validation fails: the token's {name} is no time.")
    return float(value)


def _check_audience(said: object, wanted: str | None) -> None:
    if wanted is None:
        raise _refuse("Validation fails: it is not said which audience the issuer's tokens must have.")
    if said != wanted and not (isinstance(said, list) and wanted in said):
        raise _refuse("Validation fails: Audience doesn't match. The token was made for another application.")


def _refuse(message: str) -> AuthenticationFailed:
    return AuthenticationFailed(f"Authentication Error, {message}")
