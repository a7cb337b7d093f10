"""What the gateway cannot do for now."""

from gateway.errors.root import GatewayError

__all__ = ["DatabaseUnavailable", "NoDeploymentAvailable", "ServiceUnavailable", "TransactionConflict"]


class NoDeploymentAvailable(GatewayError):
    """Every deployment of the model is cooling down or excluded."""

    status = 429
    type = "no_deployment_available"


class ServiceUnavailable(GatewayError):
    """The gateway cannot do this now; trying later may help."""

    status = 503
    type = "service_unavailable"


class DatabaseUnavailable(ServiceUnavailable):
    """PostgreSQL does not answer, or its connection pool is exhausted."""

    type = "no_db_connection"


class TransactionConflict(DatabaseUnavailable):
    """PostgreSQL rolled a transaction back because of another one: a deadlock, or a serialization failure."""

    type = "service_unavailable"
