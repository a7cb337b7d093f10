"""Makes `pii.jsonl`: sentences with personal data in them, and with what only looks like it.

    python tests/plugins/guardrails/make_corpus.py

The numbers are published examples, or made here by the public rules of their check digits: not by what is
tested.
"""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

CORPUS = Path(__file__).with_name("pii.jsonl")
PER_KIND = 24

SENTENCES = (
    "Please write to {} before Friday.",
    "My details: {}. Thanks!",
    "Customer said ({}) and hung up",
    "Bitte notieren Sie {} in der Akte.",
    "Mon dossier contient {}, merci de le mettre à jour.",
    "El cliente indicó {} en el formulario",
    "お客様の情報は {} です。",
    "Прошу проверить {} ещё раз",
    '{{"value": "{}", "ok": true}}',
    "{}",
)
LABELS = {
    "UK_NHS": "NHS number ",
    "DE_TAX_ID": "Steuer-ID ",
    "PL_PESEL": "PESEL ",
    "NL_BSN": "BSN ",
    "IN_AADHAAR": "Aadhaar ",
    "AU_TFN": "TFN ",
    "AU_ABN": "ABN ",
}
"""What stands before numbers that look like any other."""

PUBLISHED = {
    "IBAN_CODE": (
        "GB82 WEST 1234 5698 7654 32",
        "DE89370400440532013000",
        "FR14 2004 1010 0505 0001 3M02 606",
        "ES91 2100 0418 4502 0005 1332",
        "IT60X0542811101000000123456",
        "NL91ABNA0417164300",
        "CH93 0076 2011 6238 5295 7",
        "PL61109010140000071219812874",
        "SE4550000000058398257466",
        "NO9386011117947",
    ),
    "CRYPTO": (
        "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    ),
    "PHONE_NUMBER": (
        "+49 30 901820",
        "+44 20 7946 0958",
        "+33 1 42 68 53 00",
        "+1 212-736-5000",
        "(212) 736-5000",
        "212-736-5000",
        "+81 3-3224-5000",
        "+91 11 2301 2113",
        "+34 915 48 84 50",
        "+41 44 668 18 00",
    ),
    "IP_ADDRESS": (
        "10.0.0.1",
        "192.168.178.254",
        "8.8.8.8",
        "2001:db8::1",
        "fe80::1ff:fe23:4567:890a",
        "::1",
    ),
    "UK_NINO": ("AB 12 34 56 C", "JG103759A", "AA123456B", "CE 45 67 89 D"),
    "IT_FISCAL_CODE": ("RCCMNL83S18D969H", "MRTMTT25D09F205Z", "RSSMRA85T10A562S"),
    "IN_PAN": ("ACUPA7085R", "AAPPV8261K"),
    "SE_PERSONNUMMER": ("880320-0016", "19640823-3234", "811228-9874"),
    "FI_PERSONAL_IDENTITY_CODE": ("131052-308T", "311280-888Y", "131052A308T"),
    "CH_AHV": ("756.9217.0769.85", "756.1234.5678.97"),
    "ES_NIE": ("X2482300W", "X-5253868-R", "Z8078221M"),
    "UK_NHS": ("943 476 5870", "401 023 2137", "943-476-5919"),
    "AU_TFN": ("123 456 782", "876 543 210"),
    "AU_ABN": ("83 914 571 673", "51 824 753 556"),
}
NEAR_MISSES = (
    "order 4111 1111 1111 1112", "0000 0000 0000 0000", "invoice 1234567890123456",
    "tracking 9400110200881234567890",
    "someone at example dot com", "user@localhost", "@handle", "a@b", "name@", "@media (min-width: 100px)",
    "GB82 WEST 1234 5698 7654 33", "DE00370400440532013000", "AB12 is the room", "IBAN missing",
    "000-12-3456", "666-45-6789", "123-456-789", "2024-01-15", "12/31/2025", "10:15:30", "12:34",
    "version 1.2.3.4.5", "256.300.1.1", "1.2.3", "section 4.5.6.7.8", "std::vector", "a::b",
    "+1 000 000 0000", "call 555", "room 212-736", "ext. 5000", "3.14159265358979",
    "1,000,000.00", "p. 100-200",
    "0x1234", "0xdeadbeef", "1BoatSLRHtKNngkdXEeobR76b53LETtpyX", "bc1nothing",
    "deadbeefdeadbeefdeadbeefdeadbeef",
    "12345678901", "part number 123 456 789", "serial 83 914 571 673", "QQ 12 34 56 C",
    "550e8400-e29b-41d4-a716-446655440000", "ISBN 978-3-16-148410-0", "EAN 4006381333931", "ZIP 90210-1234",
    "v2.10.0-rc.1", "#ff00ff", "1st, 2nd and 3rd", "route 66", "50% of 200", "6.02e23", "A4 paper", "B-52",
    "ABCDE1234", "12345678A", "X1234567A", "ACUPA708R", "131052-308U", "880320-0018", "756.9217.0769.84",
    "111.111.111-11", "123.456.789-00", "RCCMNL83S18D969I", "2 55 08 14 168 025 39",
)  # fmt: skip


def luhn_digit(digits: str) -> str:
    total = 0
    for place, sign in enumerate(reversed(digits)):
        value = int(sign) * (2 - place % 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def make_card(rng: random.Random) -> str:
    prefix, length = rng.choice([("4", 16), ("51", 16), ("2221", 16), ("37", 15), ("6011", 16), ("36", 14)])
    digits = prefix + "".join(str(rng.randrange(10)) for _ in range(length - len(prefix) - 1))
    digits += luhn_digit(digits)
    separator = rng.choice(["", " ", "-"])
    return separator.join(digits[at : at + 4] for at in range(0, len(digits), 4))


def make_email(rng: random.Random) -> str:
    local = rng.choice(["jane", "jörg.müller", "o'", "first.last+tag", "x_1", "山田"]).replace("o'", "oneil")
    host = rng.choice(["example.com", "mail.example.co.uk", "bücher.example", "a-b.example.org", "例え.jp"])
    return f"{local}{rng.randrange(100)}@{host}"


def make_ssn(rng: random.Random) -> str:
    area = rng.choice([number for number in range(1, 900) if number != 666])
    return f"{area:03}-{rng.randrange(1, 100):02}-{rng.randrange(1, 10_000):04}"


def make_itin(rng: random.Random) -> str:
    group = rng.choice([number for number in range(70, 100) if number not in {89, 93}])
    return f"9{rng.randrange(100):02}-{group}-{rng.randrange(10_000):04}"


def make_nif(rng: random.Random) -> str:
    number = rng.randrange(10**7, 10**8)
    return f"{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


def make_cpf(rng: random.Random) -> str:
    digits = [rng.randrange(10) for _ in range(9)]
    for length in (9, 10):
        total = sum(digit * (length + 1 - place) for place, digit in enumerate(digits))
        digits.append((total * 10 % 11) % 10)
    text = "".join(map(str, digits))
    return f"{text[:3]}.{text[3:6]}.{text[6:9]}-{text[9:]}"


def make_pesel(rng: random.Random) -> str:
    digits = (
        f"{rng.randrange(50, 99)}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}{rng.randrange(10_000):04}"
    )
    check = -sum(int(sign) * weight for sign, weight in zip(digits, (1, 3, 7, 9) * 3, strict=False)) % 10
    return digits + str(check)


def make_bsn(rng: random.Random) -> str:
    while True:
        digits = [rng.randrange(1, 10), *(rng.randrange(10) for _ in range(7))]
        check = sum(digit * (9 - place) for place, digit in enumerate(digits)) % 11
        if check < 10:
            return "".join(map(str, digits)) + str(check)


def make_nir(rng: random.Random) -> str:
    number = rng.choice([1, 2]) * 10**12 + rng.randrange(50, 99) * 10**10 + rng.randrange(1, 13) * 10**8
    number += rng.randrange(1, 96) * 10**6 + rng.randrange(1, 990) * 10**3 + rng.randrange(1, 1000)
    text = f"{number}{97 - number % 97:02}"
    parts = text[0], text[1:3], text[3:5], text[5:7], text[7:10], text[10:13], text[13:]
    return rng.choice(["", " "]).join(parts)


def make_tax_id(rng: random.Random) -> str:
    """Ten digits, one of which stands there twice and one of the others not at all; ISO 7064, MOD 11,10."""
    digits = rng.sample(range(10), 9)
    digits.insert(rng.randrange(1, 10), digits[rng.randrange(9)])
    if digits[0] == 0:
        return make_tax_id(rng)
    product = 10
    for digit in digits:
        product = (((digit + product) % 10 or 10) * 2) % 11
    text = "".join(map(str, digits)) + str((11 - product) % 10)
    return rng.choice(["", " "]).join((text[:2], text[2:5], text[5:8], text[8:]))


def make_aadhaar(rng: random.Random) -> str:
    """Twelve digits of which the last is Verhoeff's: in the dihedral group of ten elements."""

    def multiply(one: int, other: int) -> int:
        if one < 5:
            return (one + other) % 5 if other < 5 else 5 + (one + other) % 5
        return 5 + (one - other) % 5 if other < 5 else (one - other) % 5

    def permute(value: int, times: int) -> int:
        for _ in range(times):
            value = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)[value]
        return value

    digits = [rng.randrange(2, 10), *(rng.randrange(10) for _ in range(10))]
    check = 0
    for place, digit in enumerate(reversed(digits), 1):
        check = multiply(check, permute(digit, place % 8))
    last = next(value for value in range(10) if multiply(check, value) == 0)
    text = "".join(map(str, [*digits, last]))
    return rng.choice(["", " "]).join((text[:4], text[4:8], text[8:]))


MADE: dict[str, Callable[[random.Random], str]] = {
    "CREDIT_CARD": make_card,
    "EMAIL_ADDRESS": make_email,
    "US_SSN": make_ssn,
    "US_ITIN": make_itin,
    "ES_NIF": make_nif,
    "BR_CPF": make_cpf,
    "PL_PESEL": make_pesel,
    "NL_BSN": make_bsn,
    "FR_NIR": make_nir,
    "DE_TAX_ID": make_tax_id,
    "IN_AADHAAR": make_aadhaar,
}


def make_cases() -> Iterator[dict[str, object]]:
    """Every case: a text, and the kind and the text of what is in it."""
    rng = random.Random(20_261_126)
    for kind in sorted({*MADE, *PUBLISHED}):
        for number in range(PER_KIND):
            make = MADE.get(kind)
            value = make(rng) if make else PUBLISHED[kind][number % len(PUBLISHED[kind])]
            sentence = SENTENCES[number % len(SENTENCES)]
            yield {"text": sentence.format(LABELS.get(kind, "") + value), "found": [[kind, value]]}
    for number, miss in enumerate(NEAR_MISSES * 2):
        yield {"text": SENTENCES[number % len(SENTENCES)].format(miss), "found": []}


if __name__ == "__main__":
    lines = (json.dumps(case, ensure_ascii=False) for case in make_cases())
    CORPUS.write_text("\n".join(lines) + "\n", encoding="utf-8")
