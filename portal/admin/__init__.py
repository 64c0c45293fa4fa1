"""Restricted pages: today at a glance, people, meetings. A 404 to everybody else; no tables and no rules of its own."""
