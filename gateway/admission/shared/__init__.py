"""The ledger that several workers share: the counters are in Redis, one call admits and one settles."""
