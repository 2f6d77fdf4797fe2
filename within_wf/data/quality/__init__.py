"""What a contract cannot say of rows: outliers, near-duplicates, leaks and wrong labels."""
