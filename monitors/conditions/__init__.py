"""The pure core: what evidence means. No Django, no database, no clock; `now` is an argument."""
