"""The index on PostgreSQL with pgvector. Imported only where `[index] url` names a server."""
