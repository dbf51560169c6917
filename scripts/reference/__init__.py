"""The API reference: pages in Chinese and English, written from a server's document and from this package's code."""
