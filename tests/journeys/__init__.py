"""Walks through the real product: `heard run`, two browser windows, and nothing faked."""
