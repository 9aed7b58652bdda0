"""Head `audio`: what is heard, from scores that are averaged over the last runs."""

from relocatable.heads.audio.audio import AudioHead

__all__ = ["HEAD", "AudioHead"]

HEAD = AudioHead
