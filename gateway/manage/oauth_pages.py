"""The page on which a person lets a client use MCP, or does not."""

from html import escape
from urllib.parse import urlsplit

from litestar import Response

from gateway.identity.grants.authorizing import Offer
from gateway.manage.login_pages import page

__all__ = ["consent_page"]


def consent_page(action: str, offer: Offer, redirect_uri: str, user_id: str) -> Response[str]:
    """What is asked for, by whom, and where the answer goes; it is posted to `action`."""
    by = f", which <b>{escape(offer.publisher)}</b> says too," if offer.publisher else ""
    what = offer.resource or "all MCP servers that you may reach"
    form = (
        f'<form method="post" action="{escape(action)}">'
        f'<input type="hidden" name="consent" value="{escape(offer.consent)}">'
        f"<p>An application that calls itself <b>{escape(offer.client_name)}</b>{by} wants to use "
        f"MCP servers in your name, <b>{escape(user_id)}</b>: {escape(what)}.</p>"
        f"<p>The answer goes to <b>{escape(offer.place)}</b>. If you did not begin this yourself, refuse.</p>"
        f"{_choice(offer)}"
        '<button name="decision" value="grant">Let it</button>'
        '<button name="decision" value="refuse">Refuse</button></form>'
    )
    # Browsers hold a form to where its answer leads as well.
    parts = urlsplit(redirect_uri)
    is_web = parts.scheme in {"http", "https"}
    return page(form, 200, f"{parts.scheme}://{parts.netloc}" if is_web else f"{parts.scheme}:")


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
