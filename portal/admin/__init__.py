"""Restricted pages: today at a glance, people, meetings, money, the log. A 404 to everybody else; no tables and no rules of its own."""
