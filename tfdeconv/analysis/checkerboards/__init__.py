"""Where a periodic pattern comes from, how strong it is, and what takes it away."""
