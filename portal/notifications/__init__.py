"""What the club writes to people by itself: reminders, the digest of what is on, messages to groups; and their choices."""
