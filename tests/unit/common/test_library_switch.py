import numpy as np
import pytest
import torch

from hardneg.common.library_switch import PIECES, VARIABLE, uses_library
from hardneg.features.logmel import LogMel
from hardneg.models.adamw import AdamW, LibraryAdamW, make_adamw
from hardneg.models.dropout import Dropout
from hardneg.models.ranking_curves import auroc, average_precision


def test_nothing_is_switched_off_unless_asked(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert not any(map(uses_library, PIECES))


@pytest.mark.parametrize(("value", "pieces"), [("all", set(PIECES)), ("dropout,log_mel", {"dropout", "log_mel"})])
def test_the_pieces_that_are_named_are_switched_off(monkeypatch, value, pieces):
    monkeypatch.setenv(VARIABLE, value)
    assert {piece for piece in PIECES if uses_library(piece)} == pieces


def test_an_unknown_piece_is_refused(monkeypatch):
    monkeypatch.setenv(VARIABLE, "dropouts")
    with pytest.raises(ValueError, match="dropouts; choose from adamw"):
        uses_library("dropout")


def test_the_librarys_dropout_draws_other_numbers(monkeypatch):
    def drop():
        torch.manual_seed(1)
        return Dropout(0.5)(torch.ones(64, 64))

    monkeypatch.delenv(VARIABLE, raising=False)
    own = drop()
    monkeypatch.setenv(VARIABLE, "dropout")
    library = drop()
    torch.manual_seed(1)
    assert torch.equal(library, torch.nn.functional.dropout(torch.ones(64, 64), 0.5))
    assert not torch.equal(own, library)


def test_the_librarys_optimizer_takes_the_same_steps(monkeypatch):
    monkeypatch.setenv(VARIABLE, "adamw")
    own, library = torch.nn.Linear(5, 3), torch.nn.Linear(5, 3)
    own.load_state_dict(library.state_dict())
    optimizers = AdamW(own.parameters(), 0.1), make_adamw(library.parameters(), 0.1)
    assert isinstance(optimizers[1], LibraryAdamW)
    for step in range(3):
        for network, optimizer in zip((own, library), optimizers, strict=True):
            (network(torch.full((2, 5), 1.0 + step)) ** 2).sum().backward()
            optimizer.step(0.1)
    assert all(torch.equal(a, b) for a, b in zip(own.parameters(), library.parameters(), strict=True))


def test_scikit_learn_ranks_as_the_own_curves_do(monkeypatch):
    rng = np.random.default_rng(1)
    labels, confidences = rng.integers(0, 2, 200), rng.random(200).round(2)
    monkeypatch.delenv(VARIABLE, raising=False)
    own = average_precision(labels, confidences), auroc(labels, confidences)
    monkeypatch.setenv(VARIABLE, "average_precision")
    assert (average_precision(labels, confidences), auroc(labels, confidences)) == pytest.approx(own, abs=1e-12)


def test_torchs_log_mel_agrees_with_the_compiled_one(monkeypatch):
    windows = torch.from_numpy(np.random.default_rng(1).standard_normal((2, 4000)).astype(np.float32))
    monkeypatch.delenv(VARIABLE, raising=False)
    own = LogMel(16000, 32, 50, 8000, 512, 0.02)(windows)
    monkeypatch.setenv(VARIABLE, "log_mel")
    library = LogMel(16000, 32, 50, 8000, 512, 0.02)(windows)
    assert torch.allclose(own, library, atol=1e-3)
    assert not torch.equal(own, library)
