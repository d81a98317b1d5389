"""Search over all a person may see, and the words it forgives."""
