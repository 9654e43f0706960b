"""What is measured, always with its peers in the same run."""
