"""The credential that a model names, as the database has it now."""

from collections.abc import Mapping

import msgspec

from gateway.db.sealing import Seal
from gateway.domain import Secret
from gateway.inventory.credentials.store import CredentialRecords
from gateway.inventory.sealed import SealedMembers
from gateway.inventory.trial import Trial
from gateway.settings import Credential

__all__ = ["NamedCredentials"]


class NamedCredentials:
    """Finds credentials that were made a moment ago, and that this worker has not read yet."""

    def __init__(self, credentials: CredentialRecords, seal: Seal) -> None:
        self._credentials = credentials
        self._values = SealedMembers(seal, "credential_values")

    async def complete(self, trial: Trial, params: Mapping[str, object]) -> Trial:
        """The trial with the credential that the parameters name, if the database has it.

        Raises DatabaseUnavailable.
        """
        name = params.get("litellm_credential_name")
        if not isinstance(name, str) or name in trial.credentials or name in trial.settings.credentials:
            return trial
        row = await self._credentials.find_named(name)
        if row is None:
            return trial
        values = self._values.open_readable(row["credential_values"])
        secrets = {key: Secret(str(value)) for key, value in values.items() if value is not None}
        found = Credential(name=name, values=secrets)
        return msgspec.structs.replace(trial, credentials={**trial.credentials, name: found})
