"""What happens beside the training, one file each."""
