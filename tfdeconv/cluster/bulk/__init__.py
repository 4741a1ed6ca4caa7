"""One function over very many items, on the nodes of a Ray cluster."""

from tfdeconv.cluster.bulk.work import work

__all__ = ["work"]
