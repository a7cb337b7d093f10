"""Makes `secrets.jsonl`: sentences with credentials in them, and with what only looks like one.

    python tests/plugins/guardrails/make_secret_corpus.py

No credential is a real one: all are made here at random, in the forms that their issuers document. In the
file each is cut once, by `CUT`, so that no scanner takes it for a leak.
"""

import base64
import json
import random
import string
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.plugins.guardrails.make_corpus import SENTENCES

CORPUS = Path(__file__).with_name("secrets.jsonl")
CUT = "¦"
PER_KIND = 14

UPPER = string.ascii_uppercase
ALNUM = string.ascii_letters + string.digits
BASE32, URLSAFE = UPPER + "234567", ALNUM + "-_"
HEX, LOWER = "0123456789abcdef", string.ascii_lowercase
Secret = tuple[str, str, str]
"""What stands before a credential, the credential, and what stands behind it."""


def pick(rng: random.Random, signs: str, count: int) -> str:
    """So many of the signs; not only letters, as a key hardly ever is."""
    while True:
        made = "".join(rng.choice(signs) for _ in range(count))
        if not made.isalpha() or not set(signs) & set(string.digits):
            return made


def encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def make_jwt(rng: random.Random) -> str:
    claims = {
        "sub": str(rng.randrange(10**9)),
        "name": rng.choice(("Zoë", "山田", "Ann")),
        "iat": rng.randrange(10**9),
    }
    parts = ({"alg": rng.choice(("HS256", "RS256")), "typ": "JWT"}, claims)
    return ".".join([*(encode(json.dumps(part).encode()) for part in parts), encode(rng.randbytes(32))])


def make_pem(rng: random.Random) -> str:
    name = rng.choice(("RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", ""))
    body = "\n".join(pick(rng, ALNUM + "+/", 64) for _ in range(3))
    return f"-----BEGIN {name}PRIVATE KEY-----\n{body}==\n-----END {name}PRIVATE KEY-----"


def make_api_key(rng: random.Random) -> str:
    return rng.choice(
        (
            f"sk-proj-{pick(rng, URLSAFE, 40)}x{pick(rng, ALNUM, 20)}T3BlbkFJ{pick(rng, ALNUM, 20)}",
            f"sk-ant-api03-{pick(rng, URLSAFE, 93)}AA",
            f"sk-or-v1-{pick(rng, HEX, 64)}",
            f"sk-{pick(rng, ALNUM, 48)}",
            f"sk-{pick(rng, ALNUM, 22)}",
        )
    )


def make_github(rng: random.Random) -> str:
    fine = f"github_pat_{pick(rng, ALNUM, 22)}_{pick(rng, ALNUM, 59)}"
    return rng.choice((*(f"gh{sign}_{pick(rng, ALNUM, 36)}" for sign in "pousr"), fine))


def make_slack(rng: random.Random) -> str:
    numbers = f"{rng.randrange(10**11, 10**12)}-{rng.randrange(10**11, 10**12)}"
    team, bot = pick(rng, UPPER + string.digits, 8), pick(rng, UPPER + string.digits, 10)
    return rng.choice(
        (
            f"xoxb-{numbers}-{pick(rng, ALNUM, 24)}",
            f"xoxp-{numbers}-{rng.randrange(10**11, 10**12)}-{pick(rng, HEX, 32)}",
            f"xapp-1-A{team}-{rng.randrange(10**12)}-{pick(rng, HEX, 64)}",
            f"https://hooks.slack.com/services/T{team}/B{bot}/{pick(rng, ALNUM, 24)}",
        )
    )


def make_setting(rng: random.Random) -> Secret:
    value = rng.choice(
        (pick(rng, ALNUM, 20), pick(rng, HEX, 32), f"{pick(rng, ALNUM, 6)}!{pick(rng, ALNUM, 6)}#")
    )
    before, after = rng.choice(
        (
            ('password = "', '"'),
            ("DB_PASSWORD=", ""),
            ('"api_key": "', '"'),
            (r"{\"apiKey\": \"", r"\"}"),
            ("client_secret: '", "'"),
            ("access_token: ", ""),
            ('std::string secret("', '")'),
            ('auth_key_for_prod = "', '"'),
            ("contraseña: ", ""),
        )
    )
    return before, value, after


def bare(make: Callable[[random.Random], str]) -> Callable[[random.Random], Secret]:
    return lambda rng: ("", make(rng), "")


MADE: dict[str, Callable[[random.Random], Secret]] = {
    "private_key": bare(make_pem),
    "aws_access_key_id": bare(lambda rng: rng.choice(("AKIA", "ASIA")) + pick(rng, BASE32, 16)),
    "aws_secret_access_key": lambda rng: ('aws_secret_access_key = "', pick(rng, ALNUM + "+/", 40), '"'),
    "azure_storage_key": lambda rng: ("AccountName=a;AccountKey=", pick(rng, ALNUM + "+/", 86) + "==", ""),
    "artifactory_credential": lambda rng: ("jfrog=", rng.choice(("AKCp", "AP6")) + pick(rng, ALNUM, 60), " "),
    "cloudant_credential": lambda rng: ('cloudant_password = "', pick(rng, HEX, 64), '"'),
    "discord_bot_token": bare(
        lambda rng: f"M{pick(rng, ALNUM, 23)}.{pick(rng, URLSAFE, 6)}.{pick(rng, ALNUM, 27)}"
    ),
    "github_token": bare(make_github),
    "gitlab_token": bare(
        lambda rng: f"{rng.choice(('glpat', 'gldt', 'glrt', 'glcbt'))}-{pick(rng, ALNUM, 20)}"
    ),
    "jwt": bare(make_jwt),
    "mailchimp_key": bare(lambda rng: f"{pick(rng, HEX, 32)}-us{rng.randrange(1, 22)}"),
    "npm_token": lambda rng: ("//registry.npmjs.org/:_authToken=", f"npm_{pick(rng, ALNUM, 36)}", ""),
    "api_key": bare(make_api_key),
    "pypi_token": bare(lambda rng: f"pypi-AgEIcHlwaS5vcmc{pick(rng, ALNUM, 140)}"),
    "sendgrid_key": bare(lambda rng: f"SG.{pick(rng, ALNUM, 22)}.{pick(rng, ALNUM, 43)}"),
    "slack_token": bare(make_slack),
    "softlayer_credential": lambda rng: ("sl_api_key: ", pick(rng, HEX, 64), ""),
    "square_oauth_secret": bare(lambda rng: f"sq0csp-{pick(rng, ALNUM, 43)}"),
    "stripe_key": bare(lambda rng: f"{rng.choice('rs')}k_live_{pick(rng, ALNUM, 24)}"),
    "telegram_bot_token": bare(lambda rng: f"{rng.randrange(10**8, 10**10)}:{pick(rng, ALNUM, 35)}"),
    "twilio_key": bare(lambda rng: f"{rng.choice(('AC', 'SK'))}{pick(rng, HEX, 32)}"),
    "ibm_cos_hmac_key": lambda rng: ("cos_hmac_secret_access_key = ", pick(rng, HEX, 48), ""),
    "ibm_cloud_iam_key": lambda rng: ("ibm_cloud_api_key: ", pick(rng, ALNUM, 44), ""),
    "url_password": lambda rng: (
        rng.choice(("postgres://app:", "https://user:", "redis://:")),
        pick(rng, ALNUM, 12),
        "@db.example.com/x",
    ),
    "generic_secret": make_setting,
    "google_api_key": bare(lambda rng: f"AIza{pick(rng, ALNUM, 35)}"),
    "high_entropy_base64": lambda rng: ('"', pick(rng, ALNUM, 64), '"'),
    "high_entropy_hex": lambda rng: ('"', pick(rng, HEX, 40), '"'),
}  # fmt: skip
"""Every kind, in one form or several."""


def make_secrets(kind: str) -> Iterator[Secret]:
    rng = random.Random(kind)
    return (MADE[kind](rng) for _ in range(PER_KIND))


def make_misses(rng: random.Random) -> Iterator[str]:
    """What looks like a credential, and is none: digests, ids, pictures, placeholders, code, words."""
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + rng.randbytes(90)).decode()
    yield from (
        f"commit {pick(rng, HEX, 40)}", f"git show {pick(rng, HEX, 7)}", f'"commit": "{pick(rng, HEX, 40)}"',
        f"sha256:{pick(rng, HEX, 64)}", f"md5 = {pick(rng, HEX, 32)}",
        f'"x": "sha512-{pick(rng, ALNUM, 86)}=="',
        str(uuid.UUID(int=rng.getrandbits(128))), f"request_id={uuid.UUID(int=rng.getrandbits(128))}",
        f"data:image/png;base64,{picture}", f'"image": "{picture}"', f"gen-{pick(rng, ALNUM, 29)}",
        f'"id": "call_{pick(rng, ALNUM, 24)}"', f"toolu_{pick(rng, ALNUM, 24)}",
        f"file-{pick(rng, ALNUM, 24)}",
        f"etag: W/{pick(rng, HEX, 32)}",
        f"cus_{pick(rng, ALNUM, 14)}", f"trace {pick(rng, HEX, 32)}-01",
        f"arn:aws:iam::{rng.randrange(10**11, 10**12)}:role/key", f"0x{pick(rng, HEX, 40)}",
    )  # fmt: skip


MISSES = (
    "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "sk-your-openai-api-key-goes-here", "sk-...", "sk-<your key>",
    "sk-YOUR-API-KEY-GOES-HERE-PLEASE", "sk-test", "sk-ant-api03-xxxxxxxxxxxxxxxxxxxxxxxx",
    "risk-averse-investors-should-ask-questions", "task-management-of-the-whole-department",
    "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "ghp_your_token_here", "glpat-XXXXXXXXXXXXXXXXXXXX",
    "AKIAXXXXXXXXXXXXXXXX", "asia is a continent; AKIAIS short", "ASIAPACIFICECONOMICCOOPERATIONCOUNCIL",
    "AIzaXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", "xoxb-your-token-here", "xoxb-xxxxxxxxxxxx-xxxxxxxxxxxx",
    "sk_test_4eC39HqLyjWDarjtT1zdp7dc", "pk_live_public", "npm install", "eyJhbGci is how it begins",
    "eyJAAAA.eyJBBB", "APARTMENTBUILDING", "APACHELICENSE", "AKC1", "SG.short.one", "pypi-package-name",
    "-----BEGIN CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----", "BEGIN PRIVATE",
    "a private key is a secret", 'password = "changeme"', "password: ********", 'password: "<password>"',
    "PASSWORD=${DB_PASSWORD_1}", "password = os.environ['PASSWORD_2']", "password = getpass.getpass()",
    'password = "%s"', "password = None", 'api_key = "your_api_key_1234"', "api_key: YOUR_API_KEY_HERE_1",
    "API_KEY=placeholder123", 'api_key="$API_KEY1"', 'secret = "{{ vault.secret1 }}"',
    'secret_name: "database"', "secret: hidden", "The token: something not random", "password: 12345678901",
    "Each token=aaaaaaaa1 counts", "max_tokens=4096", "token_count: 1024", "tokenizer=gpt2",
    'private_key: "/etc/ssl/private/server1.key"', 'key_file = "~/.ssh/id_rsa2"', "secret santa 2024",
    '"password": "must have 8 characters and 1 digit"', "password reset at 10:30",
    "pwd: /home/user1/projects", "postgres://app:{password}@db/app", "postgres://app:${PW}@db",
    "http://localhost:8080/path", "https://a.b/c@d", "ssh://git@github.com:org/repo.git",
    "mailto:me@example.org", "redis://localhost:6379/0", "//registry.npmjs.org/:_authToken=${NPM_TOKEN}",
    "AccountKey=short", "cloudant_password = short", "the key is under the mat", "key: value",
    "monkey business 2024", "12345678:short", "10:15:30", "a-us1", "AC power",
    "SKU12345678901234567890123456789012", "sq0csp is Square's prefix", "Kennwort: geheim",
    "contraseña: olvidada", "mot de passe : oublié", "パスワード: 未設定", "пароль: забыт",
    "Passwort: siehe Aushang",
)  # fmt: skip


WEAK = (
    ("password: ", "hunter2", ""),
    ('"password": "', "letmein", '"'),
    ("pwd=", "Sommer2024", ""),
    ("my password is ", "Sommer2024!", ""),
    ("Kennwort: ", "geheim-2024-x9", ""),
    ("passphrase: ", "correct horse", ""),
)
"""What people choose: hardly more than words, or said in ways that nobody lists."""

CODE = (
    "self._token = base64.b64encode(data)",
    "password = hashlib.sha256(salt).hexdigest()",
    "secret=config2.settings['x']",
    "let apiKey = await vault2.read(name);",
)
"""Programs that make or read one."""

HARD_MISSES = (
    'secret_name = "prod/db-2024-06-01"',
    '"password_policy": "min8-classes2-max64"',
    "api_key_id: key-2024-06-prod-1",
    'token: "sha256-of-the-file-1234"',
    "secret: see-page-12-of-the-manual",
)
"""Names and sentences in the place of a credential."""


def make_cases() -> Iterator[dict[str, object]]:
    """Every case: a text, and the kind and the text of what is in it."""
    for kind in MADE:
        for number, (before, value, after) in enumerate(make_secrets(kind)):
            # In JSON a setting would stand differently.
            sentences = [one for one in SENTENCES if not (before and one.startswith("{{"))]
            sentence = sentences[number % len(sentences)]
            yield {"text": sentence.format(before + value + after), "found": [[kind, value]]}
    for before, value, after in WEAK:
        yield {"text": before + value + after, "found": [["generic_secret", value]]}
    rng = random.Random(5)
    misses = [*MISSES, *CODE, *HARD_MISSES, *(miss for _ in range(8) for miss in make_misses(rng))]
    for number, miss in enumerate(misses):
        yield {"text": SENTENCES[number % len(SENTENCES)].format(miss), "found": []}


def hide(case: dict[str, object]) -> str:
    """The line of a case, its credential cut."""
    line = json.dumps(case, ensure_ascii=False)
    found = case["found"]
    values = [value for _, value in found] if isinstance(found, list) else []
    for value in (json.dumps(value, ensure_ascii=False)[1:-1] for value in values):
        line = line.replace(value, value[:3] + CUT + value[3:])
    return line


if __name__ == "__main__":
    CORPUS.write_text("\n".join(map(hide, make_cases())) + "\n", encoding="utf-8")
