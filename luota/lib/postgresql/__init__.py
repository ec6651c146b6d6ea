"""The database engine of the settings: Django's own for PostgreSQL, with one reader replaced (base)."""
