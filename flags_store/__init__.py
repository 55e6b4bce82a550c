"""What local authorities say: their extracts, the persons and flags they hold, and every look at them."""
