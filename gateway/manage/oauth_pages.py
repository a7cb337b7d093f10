"""The page on which a person lets a client use MCP, or does not."""

from html import escape
from urllib.parse import urlsplit

from litestar import Response

from gateway.identity.grants.authorizing import Offer
from gateway.manage.login_pages import page

__all__ = ["consent_page", "credential_fields"]


def consent_page(
    action: str, offer: Offer, redirect_uri: str, user_id: str, fields: str = ""
) -> Response[str]:
    """What is asked for, by whom, and where the answer goes; it is posted to `action` with further fields."""
    by = f", which <b>{escape(offer.publisher)}</b> says too," if offer.publisher else ""
    what = offer.resource or "all MCP servers that you may reach"
    form = (
        f'<form method="post" action="{escape(action)}">'
        f'<input type="hidden" name="consent" value="{escape(offer.consent)}">'
        f"<p>An application that calls itself <b>{escape(offer.client_name)}</b>{by} wants to use "
        f"MCP servers in your name, <b>{escape(user_id)}</b>: {escape(what)}.</p>"
        f"<p>The answer goes to <b>{escape(offer.place)}</b>. If you did not begin this yourself, refuse.</p>"
        f"{_choice(offer)}{fields}"
        '<button name="decision" value="grant">Let it</button>'
        '<button name="decision" value="refuse" formnovalidate>Refuse</button></form>'
    )
    # Browsers hold a form to where its answer leads as well.
    parts = urlsplit(redirect_uri)
    is_web = parts.scheme in {"http", "https"}
    return page(form, 200, f"{parts.scheme}://{parts.netloc}" if is_web else f"{parts.scheme}:")


def credential_fields(name: str, *, is_stored: bool) -> str:
    """What is asked of a person beside that: a credential for an MCP server."""
    hint = " (leave it empty to keep the one that you have given)" if is_stored else ""
    required = "" if is_stored else " required"
    return (
        f"<label>Your credential for <b>{escape(name)}</b>{hint} "
        f'<input type="password" name="api_key" autocomplete="off"{required}></label>'
    )


def _choice(offer: Offer) -> str:
    if not offer.teams:
        return ""
    options = "".join(
        f'<option value="{escape(str(team["team_id"]))}">'
        f"{escape(str(team['team_alias'] or team['team_id']))}</option>"
        for team in offer.teams
    )
    options += '<option value="">without a team</option>'
    return f'<label>As <select name="team_id">{options}</select></label>'
