"""Pages, fragments and doors of conversations: they translate, and decide nothing."""
