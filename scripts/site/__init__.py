"""The documentation site: `python -m scripts.site` builds it from docs/ in build/site/html and checks its links."""
