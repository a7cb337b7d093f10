"""Access groups of models: names that stand for the deployments that carry them."""
