"""Files of messages, and the stores that keep them."""
