"""For all tests: no deadline for the examples of a property. Cores are shared, and speed belongs in benchmarks."""

from hypothesis import settings

settings.register_profile("groundwork", deadline=None)
settings.load_profile("groundwork")
