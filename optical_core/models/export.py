"""Students in forms that other software opens: the hub's layout, and ONNX.

A student is half of a pair: it encodes queries, and its teacher encodes passages. The module
`Router` of sentence-transformers makes the pair one MultiVectorEncoder: `encode_query` uses the
student, `encode_document` the teacher.
"""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optical_core.errors import InputError
from optical_core.models.info import PairInfo
from optical_core.models.language_means import LanguageMeans
from optical_core.models.onnx_queries import FILE, export_backbone, require_onnx
from optical_core.models.pair import EncoderPair
from optical_core.models.pair_store import card_text
from optical_core.models.pieces import merge_pieces, moved_pieces
from optical_core.storage import replace_folder

if TYPE_CHECKING:
    from sentence_transformers import MultiVectorEncoder

_HUB_LICENCES = ("apache-2.0", "cc-by-4.0", "cc-by-nc-4.0", "cc-by-sa-4.0", "cc0-1.0", "mit")
_CARD = "README.md"
_EXPORTED = ("modules.json", "query/modules.json")


def export_hub(pair: EncoderPair, folder: Path) -> None:
    """Write a pair in the hub's layout, which plain sentence-transformers opens.

    If student and teacher have the same vocabulary, the folder is one model with two routes. Else
    it has two, in FOLDER/query and FOLDER/passage: the library uses one tokenizer for the masks of
    both routes.

    Args:
        pair: distilled or not.
        folder: made; one that exists is replaced.

    Raises:
        InputError: the pair takes means of languages off.

    Examples:
        >>> from optical_core.models.pair_store import load_pair  # doctest: +SKIP
        >>> export_hub(load_pair("optical-lowres"), Path("exported"))  # doctest: +SKIP
    """
    _check_plain(pair)
    student, teacher = _merged(pair.student.model), pair.teacher.model
    with replace_folder(folder, _EXPORTED) as temporary:
        if not pair.distilled:
            teacher.save(str(temporary), create_model_card=False)
            usage = _usage("model = MultiVectorEncoder(FOLDER)", "model", "model")
        elif student.tokenizer.get_vocab() == teacher.tokenizer.get_vocab():
            _routed(student, teacher).save(str(temporary), create_model_card=False)
            usage = _usage("model = MultiVectorEncoder(FOLDER)", "model", "model")
        else:
            student.save(str(temporary / "query"), create_model_card=False)
            teacher.save(str(temporary / "passage"), create_model_card=False)
            usage = _usage(
                'student = MultiVectorEncoder(FOLDER + "/query")\n'
                'teacher = MultiVectorEncoder(FOLDER + "/passage")',
                "student",
                "teacher",
            )
        (temporary / _CARD).write_text(hub_card(pair, usage), encoding="utf-8")


def _check_plain(pair: EncoderPair) -> None:
    """Refuse what other software can't open.

    Raises:
        InputError: the pair takes means of languages off.
    """
    if any(isinstance(module, LanguageMeans) for module in pair.student.model):
        raise InputError(
            f"{pair.name} takes the means of languages off, which other software can't do: export "
            "the model that it was made of"
        )


def export_onnx(pair: EncoderPair, folder: Path, *, int8: bool = False) -> None:
    """Write a student's query encoder with its transformer in `onnx/model.onnx`.

    The folder also has the tokenizer, the masks and the projection as sentence-transformers saves
    them, without the torch weights.

    Args:
        pair: its student is written.
        folder: made; one that exists is replaced.
        int8: whether weights and activations are rounded to 8 bits.

    Raises:
        InputError: the extra `onnx` isn't installed, the exporter can't follow the transformer, or
            the pair takes means of languages off.

    Examples:
        >>> from optical_core.models.pair_store import load_pair  # doctest: +SKIP
        >>> export_onnx(load_pair("optical-lowres"), Path("exported"))  # doctest: +SKIP
    """
    require_onnx()
    _check_plain(pair)
    usage = (
        "`onnx/model.onnx` takes `input_ids` and `attention_mask` (B, tokens) of a query that "
        f"begins with the prompt `{pair.student.model.prompts['query']}`, and gives "
        "`last_hidden_state` (B, tokens, d), which the modules of `modules.json` go on with: "
        "masks, projection, unit length.\n"
        + ("\nWeights and activations are 8-bit integers, in blocks of 128.\n" if int8 else "")
    )
    with replace_folder(folder, _EXPORTED) as temporary:
        _merged(pair.student.model).save(str(temporary), create_model_card=False)
        for weights in temporary.glob("model*.safetensors*"):
            weights.unlink()
        (temporary / "onnx").mkdir()
        export_backbone(pair.student, temporary / "onnx" / FILE, int8=int8)
        (temporary / _CARD).write_text(hub_card(pair, usage), encoding="utf-8")


def joined(pair: EncoderPair) -> MultiVectorEncoder:
    """Join a pair to one encoder of sentence-transformers; both must have the same vocabulary."""
    return _routed(_merged(pair.student.model), pair.teacher.model)


def _merged(model: Any) -> Any:
    """Copy a model whose word embeddings have moved, with plain ones that other software reads."""
    if moved_pieces(model) is None:
        return model
    model = copy.deepcopy(model)
    merge_pieces(model)
    return model


def _routed(student: Any, teacher: Any) -> MultiVectorEncoder:
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Router

    prompts = {"query": student.prompts["query"], "document": teacher.prompts["document"]}
    return MultiVectorEncoder(
        modules=[Router.for_query_document(list(student), list(teacher))],
        prompts=prompts,
        device=str(teacher.device),
    )


def hub_card(pair: EncoderPair, usage: str) -> str:
    """Write the model card with the hub's YAML at its head."""
    from huggingface_hub import ModelCardData

    card = pair.card
    identifier = re.split(r"[\s;,(]", card.licence)[0].lower()
    licence: dict[str, Any] = {"license": identifier}
    if identifier not in _HUB_LICENCES:
        licence = {"license": "other", "license_name": card.licence}
    front = ModelCardData(
        language=list(card.languages) or None,
        library_name="sentence-transformers",
        tags=["sentence-transformers", "multi-vector", "late-interaction", "cross-lingual"],
        # Not `datasets`: the hub expects names of its own data sets there.
        training_data=list(card.data) or None,
        **licence,
    )
    info = PairInfo(
        name=pair.name,
        teacher=pair.teacher.name,
        teacher_hash=pair.teacher.hash,
        card=card,
    )
    if pair.lexicon_folder:
        usage += "\nThe lexicons of the student aren't exported: queries are encoded as typed.\n"
    return f"---\n{front.to_yaml().strip()}\n---\n\n{card_text(info)}\n## Use\n\n{usage}"


def _usage(opening: str, queries: str, passages: str) -> str:
    return f"""```python
from sentence_transformers import MultiVectorEncoder

{opening}
queries = {queries}.encode_query(["Kwa nini bahari ina chumvi?"])
passages = {passages}.encode_document(["The sea is salty because rivers carry minerals."])
scores = {passages}.similarity(queries, passages)  # MaxSim
```
"""
