"""The formats in which authorities send: each reader turns its own into the same rows, or into what is wrong with them."""
