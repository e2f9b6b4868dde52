"""One loop that fits anything with a loss: it resumes to the bit, stops early and says why."""
