"""What is written when its hour has come."""
