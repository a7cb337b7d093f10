"""Reports of spend and use, read from the daily aggregates: bounded in rows, in time, and in number."""
