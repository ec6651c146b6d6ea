"""`make run`: everything on one machine, from the engines to the living demo."""
