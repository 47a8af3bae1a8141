"""The build lock: its file, and how its entries are resolved."""
