"""For all tests: no deadline for the examples of a property (cores are shared, and speed belongs in benchmarks), and a PostgreSQL server."""

from hypothesis import settings

from tests.postgres import postgres

__all__ = ["postgres"]

settings.register_profile("groundwork", deadline=None)
settings.load_profile("groundwork")
