"""One loop that trains any model with a loss: it resumes to the bit and says why it stopped."""
