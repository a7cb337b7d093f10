"""PostgreSQL: the connection pool, the embedded server, change notices, backups, tables and schema."""
