"""What callers pass in and get back: arrays, pictures, features, and what a server tells of its models."""
