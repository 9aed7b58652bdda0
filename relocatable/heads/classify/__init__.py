"""Head `classify`: the best k values of an output."""

from relocatable.heads.classify.classify import ClassifyHead

__all__ = ["HEAD", "ClassifyHead"]

HEAD = ClassifyHead
