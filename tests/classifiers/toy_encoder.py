"""An encoder small enough for tests: how long the words of a text are."""

import numpy as np


class Lengths:
    name, version, dimension = "lengths", "1", 4

    def encode(self, texts):
        made = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.split():
                made[row, len(word) % self.dimension] += 1
        return made


def lengths():
    return Lengths()
