"""The pages and answers of a login: plain HTML that loads nothing."""

from html import escape
from typing import Any

from litestar import MediaType, Response
from litestar.datastructures import Cookie

from gateway.identity.login.sessions import Session

__all__ = [
    "CONFIRM_COOKIE",
    "SESSION_COOKIE",
    "code_page",
    "facts_page",
    "forget_session",
    "form_page",
    "keep_session",
    "link_page",
    "message_page",
    "page",
]

SESSION_COOKIE = "token"
CONFIRM_COOKIE = "gatewright_confirm"
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'"
)
_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_STYLE = "body{font:1rem sans-serif;max-width:22rem;margin:4rem auto}input,button{width:100%;margin:.3rem 0}"


def form_page(action: str, return_to: str = "") -> Response[str]:
    """A form for name and password, which is posted to `action`; it leads to `return_to` in the end."""
    hidden = f'<input type="hidden" name="return_to" value="{escape(return_to)}">' if return_to else ""
    form = (
        f'<form method="post" action="{escape(action)}">{hidden}<label>Name <input name="username" required '
        'autocomplete="username"></label><label>Password <input name="password" type="password" required '
        'autocomplete="current-password"></label><button>Log in</button></form>'
    )
    return page(form, 200)


def code_page(action: str) -> Response[str]:
    """A form for the code that a terminal shows."""
    form = (
        f'<form method="post" action="{escape(action)}"><p>Type the code that your terminal shows. If '
        "you did not begin a login there yourself, close this page.</p>"
        '<label>Code <input name="user_code" required autocomplete="off"></label>'
        "<button>Let the terminal in</button></form>"
    )
    return page(form, 200)


def message_page(text: str, status: int = 200) -> Response[str]:
    """A page that says one thing."""
    return page(f"<p>{escape(text)}</p>", status)


def link_page(text: str, link: str, address: str) -> Response[str]:
    """A page that says one thing, and leads on."""
    return page(f'<p>{escape(text)}</p><p><a href="{escape(address)}">{escape(link)}</a></p>', 200)


def facts_page(title: str, facts: str) -> Response[str]:
    """A page that shows a text as it stands."""
    return page(f"<p>{escape(title)}</p><pre>{escape(facts)}</pre>", 200)


def keep_session(response: Response[Any], session: Session, *, is_secure: bool) -> Response[Any]:
    """Put the session's cookie on an answer; scripts of a page cannot read it."""
    response.set_cookie(_cookie(session.ticket, session.seconds, is_secure=is_secure))
    return response


def forget_session(response: Response[Any], *, is_secure: bool) -> Response[Any]:
    """Have the browser drop the session's cookie."""
    response.set_cookie(_cookie("", 0, is_secure=is_secure))
    return response


def _cookie(value: str, seconds: int, *, is_secure: bool) -> Cookie:
    return Cookie(
        key=SESSION_COOKIE,
        value=value,
        max_age=seconds,
        path="/",
        httponly=True,
        secure=is_secure,
        samesite="lax",
    )


def page(body: str, status: int, leads_to: str = "") -> Response[str]:
    """A page around `body`; besides at the gateway its forms may end at `leads_to`, a source of a policy."""
    content = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Gatewright</title>'
        f"<style>{_STYLE}</style><h1>Gatewright</h1>{body}</html>"
    )
    headers = {**_HEADERS, "content-security-policy": f"{_POLICY} {leads_to}".rstrip()}
    return Response(content, status_code=status, media_type=MediaType.HTML, headers=headers)
