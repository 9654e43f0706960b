"""What the evidence says of each problem: keep, or a reason."""
