"""The refined cartoon: flat colours found by the K-histogram, and ink lines, alike at any size."""
