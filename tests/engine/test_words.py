"""The word table is read in place from the encoder's file."""

import numpy as np

from groundwork.engine.trained import read_trained
from groundwork.engine.words import word_table
from tests.engine import tiny


def test_rows_are_the_table_as_int8_keeps_it() -> None:
    table = word_table(read_trained(tiny.FOLDER / "tiny-reader").words, tiny.ENCODER)
    exact = tiny.served(tiny.weights("pair")["embeddings.word_embeddings.weight"])
    ids = np.array([[0, 101, 5], [102, 114, 7]])
    assert table.rows(ids).shape == (2, 3, tiny.WIDTH)
    assert table.rows(ids).dtype == np.float32
    assert np.abs(table.rows(ids) - exact[ids]).max() < 1e-6


def test_it_is_loaded_once_and_mapped() -> None:
    words = read_trained(tiny.FOLDER / "tiny-reader").words
    assert word_table(words, tiny.ENCODER) is word_table(read_trained(tiny.FOLDER / "tiny-scorer").words, tiny.ENCODER)
    assert isinstance(word_table(words, tiny.ENCODER)._values, np.memmap)
