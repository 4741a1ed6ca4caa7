"""Networks that enlarge pictures, and their shipped weights."""
