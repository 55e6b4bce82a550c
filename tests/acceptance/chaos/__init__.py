"""The parts of the chaos test: those who receive, those who send and answer, and what befalls the service meanwhile."""
