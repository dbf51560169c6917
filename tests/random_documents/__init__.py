"""Random documents: what generated clients send and read is compared with an independent reading of the document."""
