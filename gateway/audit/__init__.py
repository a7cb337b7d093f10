"""Who changed what: one row per change of the management API, written in the change's own transaction."""
