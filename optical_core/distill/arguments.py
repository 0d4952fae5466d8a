"""The arguments of sentence-transformers' trainer, and the callbacks that it does without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import MultiVectorEncoderTrainer, MultiVectorEncoderTrainingArguments
from sentence_transformers.base.sampler import DefaultBatchSampler
from torch.utils.data import SequentialSampler

from optical_core.distill import ranks
from optical_core.distill.config import TrainingConfig
from optical_core.models.precision import training_precision
from optical_core.models.token_encoder import TokenEncoder

TASKS = {"foreign": "query", "english": "query", "both": "query", "passage": "document"}
"""Column of a distillation -> the encoders' side that reads it."""


class _PlannedBatches(DefaultBatchSampler):
    """Rows in their order: the batches were planned beforehand."""

    def __init__(self, dataset: Dataset, batch_size: int, drop_last: bool, **_: Any) -> None:
        super().__init__(SequentialSampler(dataset), batch_size=batch_size, drop_last=drop_last)


def on_cpu(device: str | None) -> bool:
    """Tell whether a training on this device (None for the default device) runs on the CPU."""
    return device == "cpu" or not torch.cuda.is_available()


def training_arguments(
    config: TrainingConfig,
    work: Path,
    device: str | None,
    *,
    prompts: dict[str, str],
    max_length: int | dict[str, int],
    tasks: dict[str, str],
) -> MultiVectorEncoderTrainingArguments:
    """Make the trainer's arguments for a run.

    Args:
        config: the run's settings.
        work: its folder, for checkpoints.
        device: None for the default device.
        prompts: column -> prompt.
        max_length: of texts in tokens, or task -> tokens.
        tasks: column -> `query` or `document`.
    """
    arguments = MultiVectorEncoderTrainingArguments(
        output_dir=str(work),
        max_steps=config.steps,
        # Rank r takes the r-th part of each batch: the same rows in the same order for any number.
        per_device_train_batch_size=config.batch_size // ranks.count(),
        dataloader_drop_last=True,
        ddp_timeout=int(ranks.PATIENCE.total_seconds()),
        gradient_accumulation_steps=config.accumulate,
        learning_rate=config.learning_rate,
        warmup_steps=round(config.warmup * config.steps),
        lr_scheduler_type="linear",
        weight_decay=0.01,
        optim="adamw_torch_fused",
        bf16=training_precision(config.bf16, device) == "bf16",
        use_cpu=on_cpu(device),
        seed=config.seed,
        data_seed=config.seed,
        batch_sampler=_PlannedBatches,
        max_length=max_length,
        router_mapping=tasks,
        prompts=prompts,
        save_strategy="steps",
        save_steps=config.checkpoint_every,
        save_total_limit=2,
        logging_strategy="steps",
        logging_steps=10,
        report_to=_reporters(),
        disable_tqdm=True,
        dataloader_pin_memory=False,
        remove_unused_columns=False,
    )
    # One process trains on one GPU: with more visible, the library would multiply the batch.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def column_prompts(student: Any, teacher: TokenEncoder) -> dict[str, str]:
    """List column -> prompt, as in a search: the trainer adds none by itself."""
    theirs = teacher.model.prompts
    prompts = {
        "foreign": student.prompts.get("query"),
        "english": theirs.get("query"),
        "both": student.prompts.get("query"),
        "passage": theirs.get("document"),
    }
    return {column: prompt for column, prompt in prompts.items() if prompt}


def _reporters() -> list[str]:
    """TensorBoard if its package is installed; the CSV log is always written."""
    try:
        import tensorboard  # noqa: F401
    except ImportError:
        return []
    return ["tensorboard"]


def remove_library_callbacks(trainer: MultiVectorEncoderTrainer) -> None:
    """Remove the library's printing and model card: our log and card replace them."""
    from sentence_transformers.multi_vector_encoder.model_card import (
        MultiVectorEncoderModelCardCallback,
    )
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(MultiVectorEncoderModelCardCallback)
