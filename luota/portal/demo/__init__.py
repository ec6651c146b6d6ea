"""The demo that `make run` seeds and keeps alive; all it sends goes through the public API, like anybody's."""
