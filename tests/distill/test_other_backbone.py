import numpy as np
import pytest

from optical_core.distill.config import DistillConfig
from optical_core.distill.other_backbone import TwoTokenizers, student_of
from optical_core.distill.trainer import distill
from optical_core.errors import InputError
from optical_core.models.pair_store import load_pair
from optical_core.models.token_encoder import TokenEncoder

ENGLISH = ["the sea is salty", "a big city", "the moon is cold", "fish in water", "old tree"]


@pytest.fixture
def teacher(tiny_bert):
    """32 dimensions, WordPiece."""
    return TokenEncoder.load(str(tiny_bert), device="cpu")


@pytest.fixture
def backbone(tiny_xlmr):
    """32 dimensions, Unigram."""
    return TokenEncoder.load(str(tiny_xlmr), device="cpu")


def words(encoder, text):
    return [token.word for token in encoder.scored_tokens(text, "query")]


def test_the_student_starts_near_the_teacher_on_english_words(teacher, backbone):
    student = TokenEncoder(student_of(backbone, teacher, ENGLISH), name="student")

    def agreement(encoder):
        found = []
        for text in ENGLISH:
            (ours,), (theirs,) = encoder.encode_queries([text]), teacher.encode_queries([text])
            first = {w: row for row, w in reversed(list(enumerate(words(teacher, text))))}
            found += [
                ours[i] @ theirs[first[w]] for i, w in enumerate(words(encoder, text)) if w in first
            ]
        return np.mean(found)

    assert agreement(student) > agreement(backbone) + 0.2
    assert agreement(student) > 0.5


@pytest.mark.slow
def test_a_student_of_another_backbone_is_trained_saved_and_loaded(
    tiny_bert, tiny_xlmr, bitext_file
):
    settings = {
        "name": "crossed",
        "teacher": str(tiny_bert),
        "backbone": str(tiny_xlmr),
        "bitext": (str(bitext_file),),
        "trainable": "encoder",
        "steps": 8,
        "batch_size": 4,
        "learning_rate": 1e-3,
        "checkpoint_every": 4,
        "bf16": False,
    }
    folder = distill(DistillConfig(**settings), device="cpu", progress=False)
    pair = load_pair("crossed", device="cpu")
    assert pair.distilled
    assert (folder / "teacher").is_dir()
    assert (folder / "backbone").is_dir()
    assert type(pair.student.model.tokenizer) is not type(pair.teacher.model.tokenizer)
    (vectors,) = pair.student.encode_queries(["maji ya bahari"])
    assert vectors.shape == (3, 32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    more = distill(
        DistillConfig(**{**settings, "name": "crossed-2", "start": "crossed"}),
        device="cpu",
        progress=False,
    )
    assert (more / "record.json").is_file()
    own = {**settings, "name": "other", "start": "crossed", "backbone": None}
    with pytest.raises(InputError, match="another backbone"):
        distill(DistillConfig(**own), device="cpu", progress=False)


def test_sizes_must_agree(tiny_encoder, tiny_xlmr, bitext_file):
    config = DistillConfig(
        name="x",
        teacher=str(tiny_encoder),
        backbone=str(tiny_xlmr),
        bitext=(str(bitext_file),),
        trainable="encoder",
    )
    with pytest.raises(InputError, match="32 dimensions, the teacher of 16"):
        distill(config, device="cpu", progress=False)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "not lora"),
        ({"trainable": "encoder", "strength": 0.5}, "strength"),
        ({"trainable": "encoder", "plan_layer": 8}, "plan_layer"),
    ],
)
def test_what_another_backbone_rules_out_is_said(settings, message):
    with pytest.raises(ValueError, match=message):
        DistillConfig(name="x", bitext=("demo",), backbone="minilm", **settings)


def test_the_teachers_columns_are_in_its_own_tokens(teacher, backbone):
    collator = TwoTokenizers(
        backbone.model.preprocess,
        router_mapping={"foreign": "query", "english": "query", "passage": "document"},
        teacher_preprocess=teacher.model.preprocess,
    )
    row = {"foreign": "maji ya bahari", "english": "the sea", "passage": "the sea"}
    batch = collator([row])
    for column, encoder in (("foreign", backbone), ("english", teacher), ("passage", teacher)):
        expected = encoder.model.tokenizer(row[column]).input_ids
        assert batch[f"{column}_input_ids"][0].tolist() == expected
    assert batch["passage_task"] == "document"
