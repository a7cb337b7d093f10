"""What the operator says of the identity of AWS with which requests to a server are signed."""

from importlib.util import find_spec
from typing import Annotated

import msgspec

__all__ = ["SIGNED", "SignatureTerms"]

SIGNED = "aws_sigv4"
"""The kind of servers whose requests are signed."""
_LIBRARY = "botocore"
_MEMBERS = (
    *("aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_region_name"),
    *("aws_service_name", "aws_role_name", "aws_session_name"),
)
_Name = Annotated[str, msgspec.Meta(pattern="^([a-z0-9][a-z0-9-]{0,99})?$")]
_Role = Annotated[str, msgspec.Meta(pattern="^(arn:[ -~]{1,2000})?$")]
_Session = Annotated[str, msgspec.Meta(pattern="^([A-Za-z0-9_+=,.@-]{2,64})?$")]


class SignatureTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The members of a server that are about signatures of AWS (version 4), by LiteLLM's names."""

    aws_access_key_id: str = ""
    aws_secret_access_key: str = ""
    aws_session_token: str = ""
    aws_region_name: _Name = ""
    aws_service_name: _Name = ""
    aws_role_name: _Role = ""
    aws_session_name: _Session = ""

    __repr__ = object.__repr__

    def check_signature(self, auth_type: str, *, has_credential: bool) -> None:
        """Raise ValueError for members that do not go together, and where there is nothing to sign with."""
        if auth_type != SIGNED:
            stated = next((name for name in _MEMBERS if getattr(self, name)), None)
            if stated is not None:
                raise ValueError(f"'{stated}' needs auth_type '{SIGNED}'")
            return
        if find_spec(_LIBRARY) is None:
            raise ValueError(f"auth_type '{SIGNED}' needs {_LIBRARY}: install 'gatewright-mcp[aws]'")
        if has_credential:
            others = "no 'auth_value', no 'is_byok' and no static 'Authorization'"
            raise ValueError(f"with auth_type '{SIGNED}' there is {others}")
        if not self.aws_region_name:
            raise ValueError(f"auth_type '{SIGNED}' needs 'aws_region_name'")
        if bool(self.aws_access_key_id) != bool(self.aws_secret_access_key):
            raise ValueError("'aws_access_key_id' and 'aws_secret_access_key' go together")
        if self.aws_session_token and not self.aws_access_key_id:
            raise ValueError("'aws_session_token' needs 'aws_access_key_id'")
        if self.aws_session_name and not self.aws_role_name:
            raise ValueError("'aws_session_name' needs 'aws_role_name'")
