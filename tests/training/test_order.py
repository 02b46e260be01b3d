import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from codesign.training.order import augmentation, batches
from codesign.training.recipes import RECIPES, Recipe

SEEDS = st.integers(0, 2**32)


def recipe(**changes: object) -> Recipe:
    values = {"name": "x", "epochs": 1, "batch": 1, "optimiser": "sgd"}
    return Recipe(**values | {"learning_rate": 1.0, "weight_decay": 0.0} | changes)


@given(st.integers(1, 300), st.data(), SEEDS, st.integers(0, 1000))
def test_an_epoch_sees_no_sample_twice_and_leaves_out_less_than_a_batch(count, data, seed, epoch):
    batch = data.draw(st.integers(1, count))
    steps = batches(count, batch, seed=seed, epoch=epoch)
    assert steps.shape == (count // batch, batch)
    seen = steps.ravel()
    assert len(set(seen)) == len(seen) > count - batch
    assert set(seen) <= set(range(count))


def test_the_order_is_that_of_seed_and_epoch_alone():
    first = batches(100, 10, seed=3, epoch=4)
    np.random.seed(1)
    assert (first == batches(100, 10, seed=3, epoch=4)).all()
    for seed, epoch in ((3, 5), (4, 4), (4, 3)):
        assert (first != batches(100, 10, seed=seed, epoch=epoch)).any()


@given(SEEDS, st.integers(0, 50), st.integers(1, 2), st.booleans(), st.sampled_from([0.4, 1.0]))
def test_pictures_are_shifted_as_by_hand(seed, epoch, reach, flip, share):
    pictures = torch.arange(1.0, 1 + 3 * 2 * 5 * 5).reshape(3, 2, 5, 5)
    changes = augmentation(
        recipe(shift=reach, shift_share=share, flip=flip), 9, seed=seed, epoch=epoch
    )
    indices = np.array([8, 0, 4])
    expected = torch.zeros_like(pictures)
    for place, index in enumerate(indices):
        row, column, mirror, at_all = changes.chances[index]
        down, right = (int(chance * (2 * reach + 1)) - reach for chance in (row, column))
        if at_all >= share:
            down = right = 0
        for y in range(5):
            for x in range(5):
                if 0 <= y + down < 5 and 0 <= x + right < 5:
                    expected[place, :, y, x] = pictures[place, :, y + down, x + right]
        if flip and mirror < 0.5:
            expected[place] = expected[place].flip(-1)
    assert torch.equal(changes.shifted(pictures, indices), expected)


def test_a_sample_is_changed_the_same_way_in_any_batch():
    pictures = torch.rand(6, 1, 8, 8)
    changes = augmentation(RECIPES["cifar10"], 6, seed=0, epoch=2)
    together = changes.shifted(pictures, np.arange(6))
    assert together.stride() == pictures.stride()  # or torch takes them for channels last
    for index in range(6):
        alone = changes.shifted(pictures[index : index + 1], np.array([index]))
        assert torch.equal(alone[0], together[index])
    later = augmentation(RECIPES["cifar10"], 6, seed=0, epoch=3).shifted(pictures, np.arange(6))
    assert not torch.equal(later, together)


def test_temporal_delete_keeps_so_many_frames_in_their_order():
    frames = torch.arange(16.0)[:, None, None]
    changes = augmentation(RECIPES["dvs_gesture"], 30, seed=0, epoch=0)
    kept = [tuple(changes.kept(frames, index).flatten().tolist()) for index in range(30)]
    assert all(len(each) == 12 and list(each) == sorted(set(each)) for each in kept)
    assert len(set(kept)) > 20
    assert kept[7] == tuple(changes.kept(frames, 7).flatten().tolist())
    assert torch.equal(changes.kept(frames[:12], 0), frames[:12])


def test_all_places_of_a_crop_are_taken_and_none_beyond():
    picture = torch.arange(36.0).reshape(1, 1, 6, 6)
    changes = augmentation(recipe(crop=True), 200, seed=0, epoch=0)
    corners = {changes.cropped(picture, 4, index)[0, 0, 0, 0].item() for index in range(200)}
    assert corners == {6.0 * row + column for row in range(3) for column in range(3)}
    assert changes.cropped(picture, 4, 0).shape == (1, 1, 4, 4)
