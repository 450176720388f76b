"""Random stories: phones, clients, faults, deaths of workers; what must hold is checked after each step."""
