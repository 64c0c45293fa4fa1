"""What a person's calendar is told by mail."""
