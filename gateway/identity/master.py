"""The master key: one credential of the operator that may do everything."""

import hmac

from gateway.domain import Principal, Role, Scope, ScopeKind, Secret
from gateway.ids import hash_token

__all__ = ["MASTER_USER_ID", "MasterKey"]

MASTER_USER_ID = "default_user_id"


class MasterKey:
    """Recognises the master key by its digest, in constant time; the key itself is not kept."""

    def __init__(self, secret: Secret) -> None:
        self._hash = hash_token(secret.reveal())
        scopes = (Scope(ScopeKind.KEY, self._hash), Scope(ScopeKind.USER, MASTER_USER_ID))
        self.principal = Principal(
            token_hash=self._hash,
            key_alias="master key",
            user_id=MASTER_USER_ID,
            role=Role.PROXY_ADMIN,
            scopes=scopes,
        )

    def find(self, token_hash: str) -> Principal | None:
        """Return the operator when this is the digest of the master key."""
        return self.principal if hmac.compare_digest(token_hash, self._hash) else None
