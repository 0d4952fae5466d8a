from dataclasses import replace

import pytest
import torch

from optical_core.distill.loss import PLANS
from optical_core.distill.objectives import OBJECTIVES, Greedy, Optical
from optical_core.distill.score_losses import contrast, mean_maxsim, score_distillation
from optical_core.distill.token_batch import TokenBatch, collapse_alarms

OVER_TOKENS = [name for name, known in OBJECTIVES.items() if known.teacher and not known.passages]


def batch(seed, lengths=(5, 3), width=8, expansion=0):
    generator = torch.Generator().manual_seed(seed)
    longest = max(lengths) + expansion
    vectors = torch.randn(len(lengths), longest, width, generator=generator)
    mask = torch.zeros(len(lengths), longest, dtype=torch.bool)
    masks = torch.zeros_like(mask)
    for row, length in enumerate(lengths):
        mask[row, : length + expansion] = True
        masks[row, length : length + expansion] = True
    return TokenBatch(torch.nn.functional.normalize(vectors, dim=-1), mask, masks)


def permuted(source):
    """The same tokens in another order, padding kept where it is."""
    vectors = source.vectors.clone()
    for row, mask in enumerate(source.mask):
        count = int(mask.sum())
        vectors[row, :count] = vectors[row, :count].flip(0)
    return TokenBatch(vectors, source.mask, source.expansion)


@pytest.mark.parametrize("name", ["optical", "greedy", "mean-pool"])
def test_the_same_tokens_in_another_order_cost_nothing(name):
    teacher = batch(0)
    loss, _ = OBJECTIVES[name].token_loss(permuted(teacher), teacher, PLANS)
    torch.testing.assert_close(loss, torch.zeros(2), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", OVER_TOKENS)
def test_the_loss_falls_when_its_gradient_is_followed(name):
    teacher, start = batch(1, (6, 4)), batch(2, (7, 3))
    free = start.vectors.clone().requires_grad_()
    before = None
    for _ in range(30):
        student = TokenBatch(
            torch.nn.functional.normalize(free, dim=-1), start.mask, start.expansion
        )
        loss = OBJECTIVES[name].token_loss(student, teacher, PLANS)[0].mean()
        before = float(loss) if before is None else before
        (gradient,) = torch.autograd.grad(loss, free)
        free = (free - 0.5 * gradient).detach().requires_grad_()
    assert float(loss) < 0.8 * before


def test_contrast_is_the_cross_entropy_of_the_own_sentence():
    passages = batch(3, (6, 4))
    right = contrast(passages, passages, temperature=0.05)
    wrong = contrast(
        TokenBatch(passages.vectors.flip(0), passages.mask.flip(0), passages.expansion),
        passages,
        temperature=0.05,
    )
    assert (right < 0.1).all()
    assert (wrong > 1).all()
    twice = TokenBatch(
        *(part[[0, 0]] for part in (passages.vectors, passages.mask, passages.expansion))
    )
    torch.testing.assert_close(
        contrast(batch(4, (5, 3)), twice, temperature=0.05), torch.zeros(2), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("name", OVER_TOKENS)
def test_padding_has_no_gradient_and_no_say(name):
    teacher, student = batch(3, (4, 2)), batch(4, (3, 5))
    noisy = student.vectors.clone()
    noisy[~student.mask] = 7.0
    leaf = noisy.requires_grad_()
    loss, _ = OBJECTIVES[name].token_loss(
        TokenBatch(leaf, student.mask, student.expansion), teacher, PLANS
    )
    clean, _ = OBJECTIVES[name].token_loss(student, teacher, PLANS)
    torch.testing.assert_close(loss, clean, atol=1e-4, rtol=1e-4)
    loss.sum().backward()
    assert leaf.grad[~student.mask].abs().sum() == 0


def test_a_pair_without_tokens_gives_no_nan():
    teacher, student = batch(5, (4, 2)), batch(6, (3, 3))
    student.mask[1] = False
    for name in OVER_TOKENS:
        loss, _ = OBJECTIVES[name].token_loss(student, teacher, PLANS)
        assert torch.isfinite(loss).all(), name


def test_greedy_matches_one_to_one():
    teacher = batch(7, (2,), width=3)
    # Both student tokens are nearest to the teacher's first; one must take the second.
    near = teacher.vectors[:, :1].repeat(1, 2, 1)
    loss, _ = Greedy().token_loss(TokenBatch(near, teacher.mask, teacher.expansion), teacher, PLANS)
    squared = (teacher.vectors[0, 0] - teacher.vectors[0, 1]).square().sum()
    torch.testing.assert_close(loss[0], squared / 2)


def test_mask_augmented_reports_where_the_mass_is():
    masked = replace(PLANS, marginals="mask-augmented")
    loss, figures = Optical().token_loss(
        batch(8, (3, 3), expansion=5), batch(9, (4, 4), expansion=4), masked
    )
    assert torch.isfinite(loss).all()
    shares = [figures[f"mass_{kind}"] for kind in ("mask_mask", "mask_real", "real_real")]
    assert sum(shares) == pytest.approx(1, abs=1e-5)
    real_only = Optical().token_loss(batch(8, (3, 3), expansion=5), batch(9, (4, 4)), PLANS)[1]
    assert "mass_mask_mask" not in real_only


def test_scores_cost_nothing_for_the_teacher_itself_and_something_for_another():
    teacher, passages = batch(10, (5, 4, 3)), batch(11, (9, 8, 7))
    same = score_distillation(teacher, teacher, passages, temperature=0.05)
    other = score_distillation(batch(12, (5, 4, 3)), teacher, passages, temperature=0.05)
    torch.testing.assert_close(same, torch.zeros(3), atol=1e-6, rtol=0)
    assert (other > 0.01).all()


def test_padding_loses_where_all_similarities_are_negative():
    query = TokenBatch(
        torch.tensor([[[1.0, 0.0]]]), torch.ones(1, 1).bool(), torch.zeros(1, 1).bool()
    )
    passage = TokenBatch(
        torch.tensor([[[-1.0, 0.0], [0.0, 0.0]]]),
        torch.tensor([[True, False]]),
        torch.zeros(1, 2).bool(),
    )
    torch.testing.assert_close(mean_maxsim(query, passage), torch.tensor([[-1.0]]))


def test_collapse_is_seen():
    assert collapse_alarms(batch(13, (1,))) == {"mean_cosine": 0.0, "effective_rank": 0.0}
    spread = collapse_alarms(batch(13, (40,), width=16))
    collapsed = batch(14, (40,), width=16)
    same = collapsed.vectors[:, :1].expand_as(collapsed.vectors)
    alarm = collapse_alarms(TokenBatch(same, collapsed.mask, collapsed.expansion))
    assert spread["effective_rank"] > 8
    assert abs(spread["mean_cosine"]) < 0.2
    assert alarm["effective_rank"] < 1.1
    assert alarm["mean_cosine"] > 0.99
