"""The entries of a model list that stand for something else than a model's name."""

__all__ = ["ALL_PROXY_MODELS", "ALL_TEAM_MODELS", "NO_DEFAULT_MODELS", "UNRESTRICTED"]

ALL_PROXY_MODELS = "all-proxy-models"
ALL_TEAM_MODELS = "all-team-models"
NO_DEFAULT_MODELS = "no-default-models"
UNRESTRICTED = frozenset({"*", ALL_PROXY_MODELS})
