"""Telling people: outbox (what is due to be told, and sending it), then one module for each way."""
