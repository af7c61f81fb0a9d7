"""Label map or probability to alpha matte, and photo and matte to a picture on a background."""
