"""What is done to the data: plain functions over tables and rows, in the order in which the data walks through them."""
