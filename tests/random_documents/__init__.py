"""Random documents: requests and results of generated clients are compared with an independent oracle."""
