"""Every operator of the core in plain torch: slow, short, and what the tests compare with."""
