"""What a default of `RuntimeConfig` is worth beside other values of it."""
