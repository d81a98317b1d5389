"""Pages of ours where a person goes on in private: the way there, the link, and when they hear."""
