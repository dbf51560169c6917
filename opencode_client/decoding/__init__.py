"""Read JSON into models: leniently, strictly, and unions by their tags."""
