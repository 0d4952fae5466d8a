"""Collections, bitext, relevance, runs and qrels, and readers of their files.

No models, no network.

Readers of published collections are in `optical_core.data.readers`.
"""

from typing import TYPE_CHECKING

from optical_core.lazy import lazy_names

if TYPE_CHECKING:
    from optical_core.data.bitext import Bitext, filter_pairs, read_bitext, read_bitexts
    from optical_core.data.collection import Collection, open_collection, write_collection
    from optical_core.data.collection_info import CollectionInfo
    from optical_core.data.corpus import Passage
    from optical_core.data.dictionaries import read_dictionaries
    from optical_core.data.gold import GoldPair, read_gold
    from optical_core.data.languages import Language, find_language, language
    from optical_core.data.lexicons import Lexicon, read_lexicon, write_lexicon
    from optical_core.data.readers import import_collection
    from optical_core.data.relevance import Relevance, read_relevance
    from optical_core.data.sentence_pairs import SentencePair
    from optical_core.data.switching import Switcher
    from optical_core.data.trec import (
        Hits,
        Qrels,
        Run,
        read_qrels,
        read_run,
        write_qrels,
        write_run,
    )

__all__ = [
    "Bitext",
    "Collection",
    "CollectionInfo",
    "GoldPair",
    "Hits",
    "Language",
    "Lexicon",
    "Passage",
    "Qrels",
    "Relevance",
    "Run",
    "SentencePair",
    "Switcher",
    "filter_pairs",
    "find_language",
    "import_collection",
    "language",
    "open_collection",
    "read_bitext",
    "read_bitexts",
    "read_dictionaries",
    "read_gold",
    "read_lexicon",
    "read_qrels",
    "read_relevance",
    "read_run",
    "write_collection",
    "write_lexicon",
    "write_qrels",
    "write_run",
]

__getattr__ = lazy_names(__name__, __file__)
