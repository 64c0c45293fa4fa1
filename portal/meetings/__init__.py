"""What happens when: meetings as they are planned, changed, called off, and shown to a viewer in the viewer's zone.

A member sees every open meeting and the private ones they are invited to (the database's policy). The phase a page
shows is worked out from the clock, so it is right even when no job has moved the row on.
"""
