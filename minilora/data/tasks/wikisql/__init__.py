"""WikiSQL: questions about tables of Wikipedia, answered in SQL of one simple form (Zhong et al. 2017; the paper's Table 4)."""

from .task import WikiSQL

__all__ = ["WikiSQL"]
