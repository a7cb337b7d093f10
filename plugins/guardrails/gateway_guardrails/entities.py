"""Kinds of personal data: a pattern that finds candidates, and a library's check of each of them.

The names are those of Presidio, which configurations for LiteLLM use.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import phonenumbers
from stdnum import bitcoin, iban, luhn
from stdnum.au import abn, tfn
from stdnum.br import cpf
from stdnum.ch import ssn as ahv
from stdnum.de import idnr
from stdnum.es import nie, nif
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.in_ import aadhaar, pan
from stdnum.it import codicefiscale
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.se import personnummer
from stdnum.us import itin, ssn

__all__ = ["ENTITIES", "Entity", "Found"]

Found = tuple[int, int]
"""Where something begins and ends within a candidate, in characters."""
Check = Callable[[str], Found | None]
_CARDS = re.compile(
    r"3[47]\d{13}|3[068]\d{12}|4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|6\d{15,18}"
    r"|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
)
"""The first digits and the lengths of American Express, Diners Club, Visa, Mastercard, and those with 6."""
_NORTH_AMERICAN = re.compile(r"(?:1[ .-]?)?\(?\d{3}\)?[ .-]?\d{3}[ .-]\d{4}")
_SHORTEST_IBAN, _COLONS = 15, 2
_MODULUS = 97
_SIGNS_OF_CPF = 3
"""One digit, a point and a hyphen: what nobody has for a number, though its check digits are right."""
_LONGEST_LOCAL, _LONGEST_DOMAIN = 64, 253
_LABEL = re.compile(r"\w(?:[\w-]{0,61}\w)?")
_IN_ADDRESS = r"""^\s@<>()\[\]{},;:"'`|\\/="""


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """One kind. `pattern` is RE2's syntax; `check` says which part of a candidate is meant, if any.

    Where `words` are given, one of them has to stand within 40 characters before: as many numbers look alike.
    """

    name: str
    pattern: str
    check: Check
    words: tuple[str, ...] = ()


def _whole(is_valid: Callable[[str], bool]) -> Check:
    return lambda text: (0, len(text)) if is_valid(text) else None


def _number(module: Any) -> Check:
    """The check of a module of python-stdnum."""
    return _whole(module.is_valid)


def _check_email(text: str) -> Found | None:
    """A sentence's full stop is none of the address's; labels are those of RFC 1035, in any script."""
    local, _, domain = text.rstrip(".!?*_").rpartition("@")
    labels = domain.split(".")
    is_domain = all(_LABEL.fullmatch(label) for label in labels) and len(domain) <= _LONGEST_DOMAIN
    is_local = 0 < len(local) <= _LONGEST_LOCAL and ".." not in local and local[0] != "."
    is_top = len(labels) > 1 and len(labels[-1]) > 1 and not labels[-1].isdigit()
    return (0, len(local) + 1 + len(domain)) if is_domain and is_local and is_top else None


def _check_card(text: str) -> Found | None:
    digits = "".join(filter(str.isdigit, text))
    return (0, len(text)) if _CARDS.fullmatch(digits) and luhn.is_valid(digits) else None


def _check_iban(text: str) -> Found | None:
    """The pattern may have taken a word that follows: the longest beginning that is valid counts."""
    ends = reversed([end for end in _list_iban_ends(text) if end >= _SHORTEST_IBAN])
    return next(((0, end) for end in ends if iban.is_valid(text[:end])), None)


def _list_iban_ends(text: str) -> Iterator[int]:
    """Where the check digits fit (ISO 7064, MOD 97-10): one place in 97, and no other need be checked."""
    head = int(f"{int(text[0], 36)}{int(text[1], 36)}{text[2:4]}")
    rest = 0
    for end, sign in enumerate(text[4:], 5):
        if sign != " ":
            value = int(sign, 36)
            rest = (rest * (10 if sign.isdigit() else 100) + value) % _MODULUS
            if (rest * 1_000_000 + head) % _MODULUS == 1:
                yield end


def _check_address(text: str) -> Found | None:
    text = text.rstrip(":") if text.count(":") < _COLONS + 1 else text
    if ":" in text and (text.count(":") < _COLONS or not any(map(str.isdigit, text))):
        return None
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return None
    return 0, len(text)


def _check_phone(text: str) -> Found | None:
    """With a country code any number; without, one of North America with its usual breaks."""
    is_international = text.startswith("+")
    if not is_international and not _NORTH_AMERICAN.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(text, None if is_international else "US")
    except phonenumbers.NumberParseException:
        return None
    return (0, len(text)) if phonenumbers.is_valid_number(number) else None


ENTITIES: Mapping[str, Entity] = {
    entity.name: entity
    for entity in (
        Entity(
            name="EMAIL_ADDRESS",
            pattern=rf"[{_IN_ADDRESS}]+@[{_IN_ADDRESS}]+\.[{_IN_ADDRESS}]+",
            check=_check_email,
        ),
        Entity(name="CREDIT_CARD", pattern=r"\d(?:[ \-]?\d){12,18}", check=_check_card),
        Entity(name="IBAN_CODE", pattern=r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}", check=_check_iban),
        Entity(
            name="CRYPTO",
            pattern=r"(?:[13][1-9A-HJ-NP-Za-km-z]{25,34}|bc1[02-9ac-hj-np-z]{11,71}|0x[0-9A-Fa-f]{40})",
            check=_whole(lambda text: text.startswith("0x") or bitcoin.is_valid(text)),
        ),
        Entity(name="US_SSN", pattern=r"\d{3}-\d{2}-\d{4}", check=_number(ssn)),
        Entity(name="US_ITIN", pattern=r"9\d{2}-\d{2}-\d{4}", check=_number(itin)),
        Entity(
            name="IP_ADDRESS",
            pattern=r"(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9A-Fa-f]{1,4}:|::)[0-9A-Fa-f:]{1,35})",
            check=_check_address,
        ),
        Entity(
            name="UK_NINO",
            pattern=r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]",
            check=_whole(lambda text: text[:2] not in {"BG", "GB", "NK", "KN", "TN", "NT", "ZZ"}),
        ),
        Entity(name="UK_NHS", pattern=r"\d{3}[ \-]?\d{3}[ \-]?\d{4}", check=_number(nhs), words=("nhs",)),
        Entity(name="ES_NIF", pattern=r"\d{8}-?[A-Z]", check=_number(nif)),
        Entity(name="ES_NIE", pattern=r"[XYZ]-?\d{7}-?[A-Z]", check=_number(nie)),
        Entity(
            name="IT_FISCAL_CODE",
            pattern=r"[A-Z]{6}\d[\dL-NP-V][A-EHLMPR-T][\dL-NP-V]{2}[A-Z][\dL-NP-V]{3}[A-Z]",
            check=_number(codicefiscale),
        ),
        Entity(name="PL_PESEL", pattern=r"\d{11}", check=_number(pesel), words=("pesel",)),
        Entity(
            name="DE_TAX_ID",
            pattern=r"\d{2} ?\d{3} ?\d{3} ?\d{3}",
            check=_number(idnr),
            words=("steuer", "idnr", "tin", "tax id"),
        ),
        Entity(
            name="FR_NIR",
            pattern=r"[12] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}",
            check=_number(nir),
        ),
        Entity(
            name="NL_BSN", pattern=r"\d{9}", check=_number(bsn), words=("bsn", "burgerservicenummer", "sofi")
        ),
        Entity(name="CH_AHV", pattern=r"756\.?\d{4}\.?\d{4}\.?\d{2}", check=_number(ahv)),
        Entity(
            name="SE_PERSONNUMMER",
            pattern=r"(?:19|20)?\d{6}[\-+]\d{4}",
            check=_number(personnummer),
        ),
        Entity(
            name="FI_PERSONAL_IDENTITY_CODE",
            pattern=r"\d{6}[\-+A-FU-Y]\d{3}[0-9A-Y]",
            check=_number(hetu),
        ),
        Entity(
            name="IN_AADHAAR",
            pattern=r"[2-9]\d{3} ?\d{4} ?\d{4}",
            check=_number(aadhaar),
            words=("aadhaar", "aadhar", "uidai"),
        ),
        Entity(name="IN_PAN", pattern=r"[A-Z]{3}[ABCEFGHJLPT][A-Z]\d{4}[A-Z]", check=_number(pan)),
        Entity(
            name="BR_CPF",
            pattern=r"\d{3}\.\d{3}\.\d{3}-\d{2}",
            check=_whole(lambda text: cpf.is_valid(text) and len(set(text)) > _SIGNS_OF_CPF),
        ),
        Entity(
            name="AU_TFN",
            pattern=r"\d{3} ?\d{3} ?\d{2,3}",
            check=_number(tfn),
            words=("tfn", "tax file"),
        ),
        Entity(
            name="AU_ABN",
            pattern=r"\d{2} ?\d{3} ?\d{3} ?\d{3}",
            check=_number(abn),
            words=("abn", "business number"),
        ),
        Entity(
            name="PHONE_NUMBER",
            pattern=r"\+\d[\d ().\-/]{5,18}\d|(?:1[ .\-]?)?\(?\d{3}\)?[ .\-]?\d{3}[ .\-]\d{4}",
            check=_check_phone,
        ),
    )
}
"""All kinds; of two that find the same place, the one that stands first here counts."""
