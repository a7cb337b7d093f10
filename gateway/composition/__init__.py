"""What is built anew while the gateway runs: snapshots, from files and from the database."""
