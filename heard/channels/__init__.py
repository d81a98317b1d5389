"""Where customers speak: turns a place's payloads into `Incoming` and sends `Outgoing`; no database."""
