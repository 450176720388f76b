"""What people and other services ask for: the only writers of calendars' rows."""
