"""Colleagues at the same desk: who is here, what an open page hears, and who is told."""
