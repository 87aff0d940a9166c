"""The Q1 processor: its kernel, its state, and messages between processors."""
