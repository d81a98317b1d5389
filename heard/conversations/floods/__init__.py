"""Floods: the same words said many times, sifted out, folded, and handled at once."""
