"""Head `classify`: the best k values of an output."""

from relocatable.heads.classify.classify import ClassifyHead

HEAD = ClassifyHead
