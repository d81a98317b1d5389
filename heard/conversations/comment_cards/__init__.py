"""Comment cards: where they lie, their sheets, and whom a guest's call reaches."""
