"""For all tests: no deadline for the examples of a property (cores are shared, and speed belongs in benchmarks), and a PostgreSQL server."""

from hypothesis import settings

from tests.postgres import address, postgres

__all__ = ["address", "postgres"]

settings.register_profile("groundwork", deadline=None)
settings.load_profile("groundwork")
