"""From the credential on a request to a Principal."""
