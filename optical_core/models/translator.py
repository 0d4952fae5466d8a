"""Machine translation of queries to English, by any sequence-to-sequence checkpoint.

Marian (one pair or many to one), M2M-100, NLLB, mBART-50 and the like, from a folder or the hub.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from optical_core.data.languages import find_language, language, matching, without_region
from optical_core.data.sentence_pairs import pair_language
from optical_core.errors import InputError
from optical_core.models.backbones import hub_problem
from optical_core.paths import check_path

TARGET = "en"
_SCRIPT = re.compile(r"_[A-Z][a-z]{3}$")


class Translator:
    """Texts of one language in, English out.

    Examples:
        >>> translator = Translator.load("facebook/nllb-200-distilled-600M")  # doctest: +SKIP
        >>> translator.translate(["Kwa nini bahari ina chumvi?"], "sw")  # doctest: +SKIP
        ['Why is the sea salty?']
    """

    def __init__(self, model: Any, tokenizer: Any, *, name: str) -> None:
        self.model, self.tokenizer, self.name = model.eval(), tokenizer, name

    @classmethod
    def load(cls, name_or_path: str, *, device: str | None = None) -> Translator:
        """Open a folder or a hub name; weights are read only from safetensors.

        Raises:
            InputError: there is no such model, or it isn't a sequence-to-sequence model.
        """
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

        try:
            check_path(name_or_path)
            if not Path(name_or_path).exists() and (problem := hub_problem(name_or_path)):
                raise OSError(str(problem)) from problem
            tokenizer = AutoTokenizer.from_pretrained(name_or_path, trust_remote_code=False)
            model = AutoModelForSeq2SeqLM.from_pretrained(
                name_or_path, use_safetensors=True, trust_remote_code=False
            )
        except (OSError, ValueError, KeyError) as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            raise InputError(
                f"{name_or_path!r} can't be opened as a translation model, from a folder or from "
                f"the hub: {first}"
            ) from error
        return cls(model.to(device or "cpu"), tokenizer, name=name_or_path)

    def translate(
        self,
        texts: Sequence[str],
        code: str,
        *,
        batch_size: int = 16,
        beams: int = 4,
        longest: int = 64,
    ) -> list[str]:
        """Translate texts to English, in their order.

        Args:
            texts: all in one language.
            code: of their language.
            batch_size: texts that the model reads at once.
            beams: of the beam search.
            longest: a translation's limit in tokens. Queries are short, and a model that repeats
                itself must end.

        Raises:
            InputError: the model has language tokens, but none for `code`.
        """
        extra = self._choose(code)
        translations: list[str] = []
        for start in range(0, len(texts), batch_size):
            part = list(texts[start : start + batch_size])
            inputs = self.tokenizer(part, return_tensors="pt", padding=True, truncation=True)
            inputs = {
                key: value.to(self.model.device)
                for key, value in inputs.items()
                if key in ("input_ids", "attention_mask")
            }
            with torch.inference_mode():
                made = self.model.generate(
                    **inputs, num_beams=beams, do_sample=False, max_new_tokens=longest, **extra
                )
            translations += self.tokenizer.batch_decode(made, skip_special_tokens=True)
        return [text.strip() for text in translations]

    def _choose(self, code: str) -> dict[str, Any]:
        """Set the source language; returns the options that make the output English."""
        tags = {
            spoken: tag
            for tag in self.tokenizer.get_added_vocab()
            if (spoken := language_of_tag(tag)) is not None
        }
        english = _tag_of(TARGET, tags)
        if english is None:
            return {}
        source = _tag_of(code, tags)
        if source is None:
            raise InputError(f"{self.name} does not translate from {language(code).name}")
        # M2M-100's tokenizer takes `sw` where its token is `__sw__`.
        self.tokenizer.src_lang = source.strip("_")
        return {"forced_bos_token_id": self.tokenizer.convert_tokens_to_ids(english)}


def _tag_of(code: str, tags: Mapping[str, str]) -> str | None:
    """Find a language's token: its own, or that of its base language, or of its only region.

    A token that names a script (srp_Cyrl) isn't used for another script.
    """
    known = language(code)
    for variant in (known.code, without_region(known.code), *matching(known.code, tags)):
        if variant in tags:
            return tags[variant]
    plain = tags.get(known.base)
    return None if plain is None or _SCRIPT.search(plain.strip("_")) else plain


def language_of_tag(tag: str) -> str | None:
    """Convert a checkpoint's language token to our code; None for any other token.

    Examples:
        >>> [language_of_tag(tag) for tag in ("__sw__", "zho_Hant", "hi_IN", "<pad>", "▁the")]
        ['sw', 'zh-Hant', 'hi', None, None]
    """
    stem, *rest = tag.strip("_").split("_")
    looks = (tag.startswith("__") and tag.endswith("__")) or len(rest) == 1
    if not (looks and stem.isascii() and stem.islower() and find_language(stem)):
        return None
    known = find_language("_".join([stem, *rest]))
    return pair_language(known.code) if known else None
