"""The sample company: sixty days of a small group of restaurants and shops."""
