"""Projects between a team and its keys."""
