"""Many photos: listed, named, guarded, done by threads or by a cluster, and kept in a journal."""
