"""A billing app whose customers' access Luota watches; see README.md beside it."""
