"""A wake word in noise, by a network of microWakeWord and the head `audio`.

The network and its cutoff come with the package pymicro-wakeword, the extra `xipnet[examples]`, the
phrase is espeak-ng's (examples/wake_word/speak.py). Sound goes in, 30 ms in each run: the front
end is in the blob. `xipnet demo wakeword` does the same on a virtual board.

    python examples/heads/audio.py -o docs/heads/audio.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

from host_sdk.cli.demos.wakeword import HOP_MS, WORD, find_model, name_of
from host_sdk.cli.sound.scene import HOP, Sound, read_wav, with_noise
from host_sdk.cli.sound.timeline import Track, draw_timeline
from relocatable import compile_model
from relocatable.blob.host import HostModel

PHRASE = Path(__file__).parents[1] / "wake_word" / f"{WORD}.wav"
LEVELS = (None, 10, 5, 0)  # the phrase's power over the noise's, decibels


def hear(model: HostModel, sound: Sound, level: int | None) -> Track:
    """Run the blob on a sound from its beginning."""
    scores, fired = [], []
    model.reset_state()
    for run, hop in enumerate(sound.reshape(-1, HOP)):
        model.write_inputs([hop])
        model.run(1)
        label, score, is_fired = model.items(1)[0]
        scores.append(score)
        if is_fired:
            print(f"noise {name_of(level)}: '{label}' at {(run + 1) * HOP_MS} ms")
            fired.append(run)
    return Track(name_of(level), sound, scores, fired)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("-o", "--output", type=Path, default=Path("out/audio.png"))
    output = parser.parse_args().output
    path, head = find_model(WORD)
    phrase = read_wav(PHRASE)
    with HostModel(compile_model(path, target="host", head=head)) as model:
        tracks = [hear(model, with_noise(phrase, level), level) for level in LEVELS]
    output.parent.mkdir(parents=True, exist_ok=True)
    threshold, window = head["audio"]["threshold"], head["audio"]["window"]
    title = f"'{head['labels'][0]}': the score, averaged over {window} runs of {HOP_MS} ms"
    draw_timeline(title, tracks, threshold, HOP_MS).save(output, optimize=True)
    print(f"wrote {output}")


if __name__ == "__main__":
    main()
