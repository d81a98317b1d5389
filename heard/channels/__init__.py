"""Where customers speak: a place's payloads become `Incoming`, and `Outgoing` is sent there."""
