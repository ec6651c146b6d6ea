"""A real backup drill of a PostgreSQL database whose outcome Luota watches; see README.md beside it."""
