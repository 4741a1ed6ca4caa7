"""The same jobs and the same server on a Ray cluster (extra ``cluster``)."""
