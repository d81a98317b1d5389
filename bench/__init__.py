"""What is measured: heard, a peer and the machine's limits in one run. `make bench` runs it."""
