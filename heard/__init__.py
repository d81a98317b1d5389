"""Customer care that lets nothing be forgotten; ARCHITECTURE.md says what each package is for."""
