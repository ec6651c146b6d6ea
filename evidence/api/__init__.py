"""The ingestion endpoints: parse, one call through the one door, answer."""
