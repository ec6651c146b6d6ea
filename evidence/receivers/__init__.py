"""Pure: one file for each vendor whose signed webhooks become evidence; contract.py is what they share."""
