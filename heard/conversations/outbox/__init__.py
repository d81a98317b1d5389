"""What goes out: replies and deeds, weighed here, handed to the place once, or told why not."""
