"""How hypothesis runs here: the same cases every time, never by the clock of a busy machine."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "by_cases",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("by_cases")
