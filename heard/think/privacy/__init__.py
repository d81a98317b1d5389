"""What strangers may not read, or be asked for where they read: the grave part of Necessary."""
