"""The ledger of fails, on its page and for other programs."""
