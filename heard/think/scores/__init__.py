"""What trained heads make of a draft: figures that put drafts in an order, and one question."""
