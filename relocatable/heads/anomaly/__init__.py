"""Head `anomaly`: how far an input is from what is normal."""

from relocatable.heads.anomaly.anomaly import AnomalyHead

__all__ = ["HEAD", "AnomalyHead"]

HEAD = AnomalyHead
