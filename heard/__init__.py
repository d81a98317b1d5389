"""Customer care that lets nothing be forgotten: what every package here is for, see ARCHITECTURE.md."""
