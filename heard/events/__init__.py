"""The diary: one row for each deed, who did it, to what, and when."""
