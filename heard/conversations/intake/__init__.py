"""What a message is put down as, and in which conversation, whatever arrives first."""
