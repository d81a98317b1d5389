"""What we owe, and until when: worked out from what happened, in opening hours, and swept."""
