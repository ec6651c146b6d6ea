"""A batch whose results a customer reads on a page, and whose outcome Luota watches; see README.md beside it."""
