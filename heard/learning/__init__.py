"""What this house has taught its reader: refits of the heads, which of them is used, and why."""
