"""The front pages, for everybody: what the club is, what it costs, what is on, what it keeps about people."""
