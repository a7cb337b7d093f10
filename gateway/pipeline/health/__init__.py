"""Whether deployments answer: asked by hand or by itself, and what they said before."""
