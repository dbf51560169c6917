"""The API reference: pages in Chinese and English, written from a server's document and this package's code."""
