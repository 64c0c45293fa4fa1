"""Who answers, who waits, who is here: RSVP, the line, joining and leaving, the live board.

Everything scarce is decided in one database function (`rsvp`), which holds the meeting's row while it looks
and writes. The actions here turn its words into sentences, write the log, tell open pages and put mail in the queue.
"""
