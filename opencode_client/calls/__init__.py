"""Send one request for one operation, and turn the response into a value or an error."""
