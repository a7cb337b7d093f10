"""What a provider says, made fit for the caller's eyes: no credential, no address, bounded."""

import re
from collections.abc import Sequence

__all__ = ["scrub_message"]

_LONGEST = 2000
_HIDDEN = "***"

# The secrets of the deployment itself are replaced exactly; these find what only looks like one, for
# example a key that the provider quotes half masked.
_LOOKS_SECRET = re.compile(
    r"""(?ix)
    \b(?:sk|pk|rk|gsk|xai|pplx|fw|r8|hf|nvapi|csk|key)[-_][\w*.-]{6,}
    | \bAIza[\w-]{20,}
    | \bBearer\s+[\w.~+/*=-]{6,}
    | \beyJ[\w-]{8,}\.[\w-]+\.[\w-]*
    | \b[0-9a-f]{32,}\b
    """
)
_ADDRESS = re.compile(
    r"""(?ix)
    \bhttps?://[^\s"'<>)\]]+
    | \b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b
    | \b(?:localhost|(?:[a-z0-9-]+\.)+
      (?:internal|local|svc|lan|corp|azure\.com|amazonaws\.com|googleapis\.com))(?::\d+)?\b
    """
)


def scrub_message(text: str, secrets: Sequence[str] = ()) -> str:
    """Return the text with the given secrets, likely credentials and addresses replaced by `***`."""
    text = text[: _LONGEST * 4]
    for secret in secrets:
        if secret:
            text = text.replace(secret, _HIDDEN)
    text = _ADDRESS.sub(_HIDDEN, _LOOKS_SECRET.sub(_HIDDEN, text))
    # C0 controls would break log lines and terminals.
    text = "".join(char if char >= " " or char == "\n" else " " for char in text).strip()
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " ..."
