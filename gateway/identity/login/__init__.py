"""People who log in: passwords, sessions, and what keeps strangers from guessing."""
