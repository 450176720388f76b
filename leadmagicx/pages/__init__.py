"""What people see: the week, appointments, blocked slots, attention, and the frame of My Profile."""
