"""One plan, several people: one pays, everybody has an account of their own.

An invitation holds a seat; whoever presents its link takes it. The primary sees names, addresses and dates, never
answers or attendance; members see first names. Every change of a seat is one database function that holds the family
while it looks and writes; the actions here turn its words into sentences, write the log and put mail in the queue.
"""
