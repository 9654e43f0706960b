"""What a training run leaves behind: a folder with its checkpoints, a log and a picture."""
