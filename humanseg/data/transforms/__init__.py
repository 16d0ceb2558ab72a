"""What happens to a photo and its mask on the way to the net."""
