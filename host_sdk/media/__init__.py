"""Files of pictures and sound as arrays."""
