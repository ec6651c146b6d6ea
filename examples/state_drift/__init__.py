"""Customers kept in step with a third party by a Celery queue; Luota watches the outcome; see README.md beside it."""
