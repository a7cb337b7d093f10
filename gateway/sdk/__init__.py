"""What a plugin may ask the gateway for, and helpers to test a plugin."""
