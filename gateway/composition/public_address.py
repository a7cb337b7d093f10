"""Where clients reach the gateway, for plugins."""

from gateway.identity.login.build import Logins

__all__ = ["OwnAddress"]


class OwnAddress:
    """A `gateway.hooks.PublicAddress`; the base URL may change while the gateway runs."""

    def __init__(self, logins: Logins, root_path: str) -> None:
        self._logins = logins
        self._root_path = root_path

    @property
    def base_url(self) -> str:
        """See PublicAddress: `PROXY_BASE_URL`."""
        return self._logins.base_url

    @property
    def root_path(self) -> str:
        """See PublicAddress: `SERVER_ROOT_PATH`."""
        return self._root_path
