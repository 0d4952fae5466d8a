"""Encoders: backbones, token vectors, and pairs of a teacher and its student."""

from typing import TYPE_CHECKING

from optical_core.lazy import lazy_names

if TYPE_CHECKING:
    from optical_core.models.alignment import EncodedPair, align_texts, encode_pair, solve_pair
    from optical_core.models.cards import ModelCard
    from optical_core.models.catalogue import ModelEntry, list_models
    from optical_core.models.export import export_hub, export_onnx
    from optical_core.models.pair import EncoderPair
    from optical_core.models.pair_store import load_pair, save_pair
    from optical_core.models.token_encoder import TokenEncoder
    from optical_core.models.tokens import Token
    from optical_core.models.translator import Translator

__all__ = [
    "EncodedPair",
    "EncoderPair",
    "ModelCard",
    "ModelEntry",
    "Token",
    "TokenEncoder",
    "Translator",
    "align_texts",
    "encode_pair",
    "export_hub",
    "export_onnx",
    "list_models",
    "load_pair",
    "save_pair",
    "solve_pair",
]
__getattr__ = lazy_names(__name__, __file__)
