"""Models for passages in many languages: students of both sides, and means that are taken off."""

import json

import numpy as np
import pytest
import torch

from optical_core import load_pair
from optical_core.errors import InputError
from optical_core.models.cards import ModelCard
from optical_core.models.deltas import clone_model
from optical_core.models.export import export_hub
from optical_core.models.language_means import LanguageMeans
from optical_core.models.means_file import MEANS
from optical_core.models.pair_copies import both_sides, centred
from optical_core.models.pair_store import save_pair
from optical_core.models.token_encoder import TokenEncoder
from optical_core.storage import home

ENGLISH = [
    f"the {a} sea is {b}" for a in ("big", "small", "old", "new") for b in "the a is of in".split()
]
SWAHILI = [
    f"bahari {a} ni {b}"
    for a in ("kubwa", "ndogo", "mpya", "ya")
    for b in "maji jua mto mti mji".split()
]


@pytest.fixture
def saved(tiny_encoder):
    """A student that differs from its teacher in one bias."""
    teacher = TokenEncoder.load(str(tiny_encoder), device="cpu")
    student = clone_model(teacher)
    with torch.no_grad():
        student[0].model.encoder.layer[1].output.dense.bias.add_(0.5)
    card = ModelCard(summary="A test.", languages=("en",), licence="CC0")
    save_pair(
        home("models", "pair"), name="pair", teacher=teacher, student_model=student, card=card
    )
    return teacher


def test_a_student_of_both_sides_encodes_passages(saved):
    both_sides("pair", home("models", "both"))
    before, pair = load_pair("pair", device="cpu"), load_pair("both", device="cpu")
    assert pair.distilled
    assert pair.teacher is pair.student
    assert pair.teacher.hash == before.student.hash != before.teacher.hash
    expected = before.student.encode_passages(["the salty sea"])[0]
    np.testing.assert_array_equal(pair.teacher.encode_passages(["the salty sea"])[0], expected)
    assert "encodes queries and passages" in (home("models", "both") / "README.md").read_text()
    for name, sentence in (("both", "encodes passages already"), ("nobody", "is no student")):
        with pytest.raises(InputError, match=sentence):
            both_sides(name, home("models", "again"))
    with pytest.raises(InputError, match="exists"):
        both_sides("pair", home("models", "both"))


def clouds(texts):
    """Token vectors around a mean of the text's language, which its first letter is."""
    drawn = np.random.default_rng(len(texts))
    middle = {"e": [0.0, 0.0, 1.0], "s": [0.0, 2.0, 1.0], "f": [3.0, 0.0, 1.0]}
    return [
        (np.array(middle[text[0]]) + 0.1 * drawn.standard_normal((5, 3))).astype(np.float32)
        for text in texts
    ]


@pytest.mark.parametrize("codes", [("en", "sw"), ("fr", "en", "sw")])
def test_the_mean_of_the_texts_language_is_taken_off(codes):
    means = LanguageMeans.of(clouds, {code: [code[0]] * 30 for code in codes})
    vectors = torch.from_numpy(np.stack(clouds([code[0] for code in codes])))
    mask = torch.ones(vectors.shape[:2])
    found = means({"token_embeddings": vectors, "attention_mask": mask})["token_embeddings"]
    english = codes.index("en")
    assert means.languages(vectors.mean(1)).tolist() == list(range(len(codes)))
    # English stays as it is; the others get its mean, and unit length.
    assert torch.equal(found[english], vectors[english])
    swahili = found[codes.index("sw")]
    assert swahili.norm(dim=1) == pytest.approx(np.ones(5), abs=1e-5)
    assert swahili[:, 2].min() > 0.9
    offset = means.means[codes.index("sw")].numpy()
    assert offset == pytest.approx([0, 2, 0], abs=0.1)


def test_a_centred_copy_of_an_encoder_and_of_a_student(saved, tiny_encoder, collection):
    texts = {"en": ENGLISH, "sw": SWAHILI}
    for name, model in (("of-encoder", str(tiny_encoder)), ("of-student", "pair")):
        centred(model, texts, home("models", name), source="own", licence="CC0")
        before, pair = load_pair(model, device="cpu"), load_pair(name, device="cpu")
        assert pair.distilled
        assert len({pair.teacher.hash, pair.student.hash, before.teacher.hash}) == 3
        english, foreign = pair.student.encode_queries([ENGLISH[0], SWAHILI[0]])
        plain = before.student.encode_queries([ENGLISH[0], SWAHILI[0]])
        np.testing.assert_allclose(english, plain[0], atol=1e-6)
        assert np.abs(foreign - plain[1]).max() > 1e-3
        assert np.linalg.norm(foreign, axis=1) == pytest.approx(np.ones(len(foreign)), abs=1e-5)
        record = json.loads((home("models", name) / "record.json").read_text())
        assert record["languages"] == {"en": 20, "sw": 20}
        assert pair.card.languages == ("en", "sw")
        with pytest.raises(InputError, match="already"):
            centred(name, texts, home("models", "again"), source="own")
        with pytest.raises(InputError, match="other software can't do"):
            export_hub(pair, home("exported"))
    with pytest.raises(InputError, match="centre the copy"):
        both_sides("of-student", home("models", "again"))
    path = home("models", "of-student") / MEANS
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(InputError, match="is damaged"):
        load_pair("of-student", device="cpu")


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ({"sw": SWAHILI}, "in English and in another language"),
        ({"en": ENGLISH}, "in English and in another language"),
        (
            {"en": ENGLISH, "sw": SWAHILI[:3]},
            "the mean of sw needs 20 sentences or more, there are 3",
        ),
    ],
)
def test_too_few_sentences_are_a_sentence(texts, sentence):
    with pytest.raises(InputError, match=sentence):
        LanguageMeans.of(clouds, texts)
