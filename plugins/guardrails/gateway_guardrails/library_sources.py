"""The plugins of the library detect-secrets, which say what a credential is, by our names of their kinds.

Its plugin for public addresses is left out, since those are no credentials, and so is that for private keys,
which finds their first lines alone.
"""

import re
from collections.abc import Callable
from typing import Any, cast

import msgspec
from detect_secrets.plugins.artifactory import ArtifactoryDetector
from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.base import BasePlugin
from detect_secrets.plugins.basic_auth import BasicAuthDetector
from detect_secrets.plugins.cloudant import CloudantDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.high_entropy_strings import (
    Base64HighEntropyString,
    HexHighEntropyString,
    HighEntropyStringsPlugin,
)
from detect_secrets.plugins.ibm_cloud_iam import IbmCloudIamDetector
from detect_secrets.plugins.ibm_cos_hmac import IbmCosHmacDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.keyword import (
    C_PLUS_PLUS_REGEX_TO_GROUP,
    COMMON_C_DENYLIST_REGEX_TO_GROUP,
    QUOTES_REQUIRED_DENYLIST_REGEX_TO_GROUP,
    KeywordDetector,
)
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.softlayer import SoftlayerDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

from gateway_guardrails.plausible import is_filled_in, is_token

__all__ = ["ENTROPY_KINDS", "SOURCES", "Check", "Source"]

Check = Callable[[str], bool]
"""Whether a value counts: not all that has the form of a credential is one."""

ENTROPY_KINDS = ("high_entropy_base64", "high_entropy_hex")
"""Whatever is quoted and looks random: digests and ids too."""

_KEY_ID = 20
_LETTERS = re.compile(r"[A-Z]{0,64}")
_WORD = re.compile(r"[A-Za-z0-9_-]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{20,}=*")
_REST = re.compile(r"[A-Za-z0-9_-]{0,4096}")
_REST_OF_JWT = re.compile(r"[A-Za-z0-9_.=-]{0,16384}")


def _is_key_id(value: str) -> bool:
    """Capital letters that go on are words: `ASIAPACIFIC...`."""
    return is_filled_in(value) and not (value.isalpha() and len(value) > _KEY_ID)


_SETTINGS = (
    QUOTES_REQUIRED_DENYLIST_REGEX_TO_GROUP | COMMON_C_DENYLIST_REGEX_TO_GROUP | C_PLUS_PLUS_REGEX_TO_GROUP
)
"""Values in quotes, in whatever language: those without, it looks for in files of settings alone."""


class Source(msgspec.Struct, frozen=True):
    """A plugin, and which of its patterns counts if not all do.

    The group of it is the credential, or what `core` finds in it; what `rest` fits behind goes with it.
    """

    kind: str
    plugin: BasePlugin
    group: int = 0
    check: Check = is_filled_in
    core: re.Pattern[str] | None = None
    rest: re.Pattern[str] | None = None
    only: int | None = None

    def list_patterns(self) -> list[tuple[re.Pattern[str], int]]:
        """The patterns, each with the group that is the credential."""
        if isinstance(self.plugin, KeywordDetector):
            return list(_SETTINGS.items())
        if isinstance(self.plugin, HighEntropyStringsPlugin):
            return [(self.plugin.regex, self.group)]
        patterns: list[Any] = list(cast("Any", self.plugin).denylist)  # All others have it.
        return [(item, self.group) for place, item in enumerate(patterns) if self.only in (None, place)]


SOURCES = (
    Source("aws_access_key_id", AWSKeyDetector(), check=_is_key_id, rest=_LETTERS, only=0),
    Source("aws_secret_access_key", AWSKeyDetector(), 1, only=1),
    Source("azure_storage_key", AzureStorageKeyDetector(), core=_BASE64),
    Source("artifactory_credential", ArtifactoryDetector(), check=is_token, core=_WORD),
    Source("cloudant_credential", CloudantDetector(), 1),
    Source("discord_bot_token", DiscordBotTokenDetector(), check=is_token, rest=_REST),
    Source("github_token", GitHubTokenDetector(), check=is_token, rest=_REST),
    Source("gitlab_token", GitLabTokenDetector(), check=is_token, rest=_REST),
    Source("jwt", JwtTokenDetector(), check=bool, rest=_REST_OF_JWT),
    Source("mailchimp_key", MailchimpDetector()),
    Source("npm_token", NpmDetector(), 1, core=_WORD),
    Source("api_key", OpenAIDetector(), rest=_REST),
    Source("pypi_token", PypiTokenDetector(), rest=_REST),
    Source("sendgrid_key", SendGridDetector(), check=is_token, rest=_REST),
    Source("slack_token", SlackDetector(), check=is_token, rest=_REST),
    Source("softlayer_credential", SoftlayerDetector(), 1),
    Source("square_oauth_secret", SquareOAuthDetector(), check=is_token),
    Source("stripe_key", StripeDetector(), check=is_token, rest=_REST),
    Source("telegram_bot_token", TelegramBotTokenDetector(), check=is_token),
    Source("twilio_key", TwilioKeyDetector()),
    Source("ibm_cos_hmac_key", IbmCosHmacDetector(), 1),
    Source("ibm_cloud_iam_key", IbmCloudIamDetector(), 1, is_token),
    Source("url_password", BasicAuthDetector(), 1),
    Source("generic_secret", KeywordDetector()),
    Source(ENTROPY_KINDS[0], Base64HighEntropyString(), 2),
    Source(ENTROPY_KINDS[1], HexHighEntropyString(), 2),
)
"""All of them, the most specific first."""
