"""Files: photos in, pictures out, their encoding and their metadata."""
