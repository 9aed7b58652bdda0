"""The validation report as one HTML page."""
