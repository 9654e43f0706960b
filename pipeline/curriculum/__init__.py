"""What is learned from and what is not: a training stage's problems in their order, those held out, their scores."""
