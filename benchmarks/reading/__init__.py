"""What opening and reading a video costs: CPU, bytes and opens, beside plain reading."""
