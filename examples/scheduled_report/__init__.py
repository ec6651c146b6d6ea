"""A weekly report by mail whose delivery Luota watches; see README.md beside it."""
