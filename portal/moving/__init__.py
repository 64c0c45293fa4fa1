"""A club that moves in from another system, and everything a club has for whoever moves out."""
