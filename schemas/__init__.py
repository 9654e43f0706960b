"""What the data is: problems, samples, decisions, reasons, run config. Imports nothing else of ours."""
