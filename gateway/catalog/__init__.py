"""Models, deployments, credentials and prices as one immutable snapshot that is replaced whole."""
