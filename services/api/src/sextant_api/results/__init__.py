"""Results: what runs gave back, named by their runs."""
