"""Files tracked by DVC, read by their pointers; DVC itself is not needed."""
