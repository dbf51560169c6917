"""From the normalised document to Python source: the generator runs our templates over one `PackageView`."""
