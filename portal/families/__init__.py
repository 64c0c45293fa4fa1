"""One plan, several people: one pays, everybody has an account of their own.

The primary sees names, addresses and dates, never answers or attendance; members see first names. Seats are counted
by the database, and a plan never holds more people than it has seats.
"""
